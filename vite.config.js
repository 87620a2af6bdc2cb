import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vite';
import { descriptions, mathml } from './web/descriptions.js';
import { guideFiles, guideLinks } from './web/guides.js';

/** @param {string} path from here */
const file = (path) => new URL(path, import.meta.url).pathname;

const server = {
  host: '127.0.0.1',
  port: Number(process.env.PORT) || 5173,
  strictPort: Boolean(process.env.PORT), // a port that was asked for is not silently another one
};

/**
 * What is computed when the page is built: the descriptions of the experiments, and the equations of
 * index.html, which are written as <tex>.
 */
const prerender = {
  name: 'prerender',
  /** @param {string} id */
  load(id) {
    if (!id.endsWith('/web/descriptions.js')) return null;
    return `export const descriptions = ${JSON.stringify(descriptions)};`;
  },
  /** @param {string} html */
  transformIndexHtml: (html) =>
    html
      .replaceAll(/<tex>(.*?)<\/tex>/gs, (_, tex) => mathml(tex))
      .replace('<!-- guides -->', () =>
        guideLinks('./guide/', hasReference() ? './reference/index.html' : null),
      ),
};

/** `./build.sh docs` makes it; without it the page does not speak of it. */
const REFERENCE = file('build/reference');
const hasReference = () => existsSync(join(REFERENCE, 'index.html'));

/** Writes the guides and the reference beside the built page. */
const documentation = {
  name: 'documentation',
  /** @param {{ dir?: string }} options */
  writeBundle({ dir }) {
    const files = guideFiles(hasReference() ? '../reference/index.html' : null);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), content);
    }
    if (hasReference()) cpSync(REFERENCE, join(dir, 'reference'), { recursive: true });
  },
};

/**
 * Writes the service worker beside the built page, with all the page's files and the hash of what is in
 * them: the same page is the same worker, to the byte. The reference is larger than all else: of it, only
 * what was read is kept.
 */
const serviceWorker = {
  name: 'service-worker',
  /** @param {{ dir?: string }} options */
  writeBundle({ dir }) {
    const files = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'service-worker.js')
      .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
      .sort();
    const hash = createHash('sha256');
    for (const name of files) hash.update(`${name}\0`).update(readFileSync(join(dir, name)));
    // the page by the name that it is visited under
    const list = files
      .filter((name) => !name.startsWith('reference/'))
      .map((name) => (name === 'index.html' ? './' : name));
    const source = readFileSync(file('web/service-worker.js'), 'utf8')
      .replace('/* files */ []', () => JSON.stringify(list))
      .replace("/* version */ ''", () => JSON.stringify(hash.digest('hex').slice(0, 16)));
    writeFileSync(join(dir, 'service-worker.js'), source);
  },
};

/**
 * The worker as one more entry of the same build, so that it shares with the page what both need;
 * Vite's own way builds it apart, and every experiment would be there twice.
 */
const sharingWorker = {
  name: 'sharing-worker',
  apply: /** @type {const} */ ('build'),
  enforce: /** @type {const} */ ('pre'),
  /** @this {any} @param {string} code @param {string} id */
  transform(code, id) {
    if (id !== file('web/engine.js')) return null;
    const reference = this.emitFile({ type: 'chunk', id: file('web/worker.js'), name: 'worker' });
    const [from, to] = [WORKER_URL, `import.meta.ROLLUP_FILE_URL_${reference}`];
    if (!code.includes(from)) throw new Error(`web/engine.js has no ${from}`);
    return { code: code.replace(from, to), map: null };
  },
};
const WORKER_URL = "new URL('./worker.js', import.meta.url)";

export default defineConfig({
  plugins: [prerender, documentation, serviceWorker, sharingWorker],
  root: file('web'),
  base: './', // the built page works under any path
  worker: { format: 'es' },
  build: {
    outDir: file('build/page'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // files, never data: URLs, so that a strict Content-Security-Policy holds
    modulePreload: { polyfill: false },
  },
  server: { ...server, fs: { allow: [file('.')] } },
  preview: server,
});
