// What typedoc's pages need to be part of a site with a strict Content-Security-Policy: the one script that
// they hold inside becomes a file.
// @ts-check

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const INLINE = /<script>(.*?)<\/script>/gs;
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'";

/** @param {any} app typedoc's Application */
export function load(app) {
  /** @type {Set<string>} */
  const scripts = new Set();

  app.renderer.on('endPage', (/** @type {any} */ page) => {
    if (!page.contents) return;
    const root = '../'.repeat(page.url.split('/').length - 1);
    page.contents = page.contents
      .replace(INLINE, (/** @type {string} */ _, /** @type {string} */ code) => {
        scripts.add(code);
        return `<script src="${root}assets/first.js"></script>`;
      })
      .replace(
        /<meta charset="utf-8"\s*\/?>/i,
        (/** @type {string} */ meta) =>
          `${meta}<meta http-equiv="Content-Security-Policy" content="${POLICY}"/>`,
      );
    if (/\sstyle="|<style|\son\w+="/.test(page.contents.replaceAll(/<pre>.*?<\/pre>/gs, ''))) {
      app.logger.warn(`${page.url} has a style or a handler inside, which its policy forbids`);
    }
    if (!page.contents.includes(POLICY)) app.logger.warn(`${page.url} has no policy`);
  });

  app.renderer.on('endRender', (/** @type {any} */ { outputDirectory }) => {
    if (scripts.size !== 1) app.logger.warn(`one inline script was expected, not ${scripts.size}`);
    writeFileSync(join(outputDirectory, 'assets/first.js'), [...scripts].join('\n'));
  });
}
