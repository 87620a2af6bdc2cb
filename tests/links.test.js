// Links of the documentation lead somewhere: to files of the project, to headings, and in the built page.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as library from 'unrolled';
import * as onnx from 'unrolled/onnx';
import * as torch from 'unrolled/torch';
import * as worker from 'unrolled/worker';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = process.env.UNROLLED_PAGE ?? join(root, 'build/page');

/** @param {string} path */
const read = (path) => readFileSync(join(root, path), 'utf8');

/** The files of a folder, and of those inside it. @param {string} folder @param {RegExp} name */
const filesIn = (folder, name) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => name.test(path) && !path.includes('node_modules'))
    .map((path) => join(folder, path));

const pages = [
  'README.md',
  'CHANGELOG.md',
  'src/README.md',
  ...filesIn('tests', /(^|\/)README\.md$/),
  ...filesIn('web/guide', /\.md$/),
];

/** A page without its code: there [x](y) is an expression. @param {string} text */
const withoutCode = (text) => text.replaceAll(/```.*?```|`[^`\n]*`/gs, 'code');

/** As GitHub names headings. @param {string} text */
function anchors(text) {
  return [...text.replaceAll(/```.*?```/gs, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  );
}

describe('links of the documentation', () => {
  for (const page of pages) {
    test(page, () => {
      for (const [, target] of withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path, anchor] = target.split('#');
        const file = path ? normalize(join(dirname(page), path)) : page;
        assert.ok(!file.startsWith('..'), `${target} is outside the project`);
        assert.ok(existsSync(join(root, file)), `${target}: there is no ${file}`);
        if (anchor) assert.ok(anchors(read(file)).includes(anchor), `${target}: no such heading`);
      }
    });
  }

  test('the README leads to every guide', () => {
    for (const guide of filesIn('web/guide', /\.md$/)) {
      assert.ok(read('README.md').includes(`](${guide})`), guide);
    }
  });

  test('the README names every public name', () => {
    const glance = /### The API at a glance\n(.*?)\n###? /s.exec(read('README.md'))[1];
    const bases = ['Loss', 'Module', 'Optimizer', 'Parameter', 'Schedule'];
    const names = [library, onnx, torch, worker].flatMap((module) => Object.keys(module));
    for (const name of names) {
      if (!bases.includes(name)) assert.ok(glance.includes(`\`${name}\``), name);
    }
  });
});

describe('the built guides and reference', () => {
  const html = readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^(guide|reference)\/.*\.html$/.test(name),
  );

  test('are there: ./build.sh docs', () => {
    for (const guide of filesIn('web/guide', /\.md$/)) {
      const page = guide.replace('web/', '').replace('.md', '.html');
      assert.ok(html.includes(page), page);
    }
    assert.ok(html.includes('reference/index.html'));
  });

  test('each link leads to a file of the page, or to another site', () => {
    for (const page of ['index.html', ...html]) {
      const text = readFileSync(join(built, page), 'utf8');
      for (const [, target] of text.matchAll(/\s(?:href|src)="([^"]*)"/g)) {
        if (/^(https?:|data:|#)/.test(target)) continue;
        const path = join(dirname(page), decodeURIComponent(target.split('#')[0]));
        assert.ok(existsSync(join(built, path)), `${page}: ${target}`);
        assert.ok(!target.startsWith('/'), `${page}: ${target} is not relative`);
      }
    }
  });

  test('a strict policy is enough for them: no script, style or handler inside', () => {
    for (const page of html) {
      const text = readFileSync(join(built, page), 'utf8').replaceAll(/<pre.*?<\/pre>/gs, '');
      assert.match(text, /<meta http-equiv="Content-Security-Policy" content="default-src 'self'/);
      assert.doesNotMatch(text, /<script(?![^>]*\ssrc=)|<style|\sstyle="|\son\w+="/, page);
    }
  });

  test('the reference has every public name', () => {
    const all = (/** @type {object} */ module, /** @type {string} */ path) =>
      Object.keys(module).map((name) => [name, `${path}.${name}.html`]);
    const wanted = [
      ...all(library, 'unrolled'),
      ...all(onnx, 'unrolled_onnx'),
      ...all(torch, 'unrolled_torch'),
      ...all(worker, 'unrolled_worker'),
      ['init', 'unrolled_inline.init.html'],
    ];
    for (const [name, file] of wanted) {
      assert.ok(
        html.some((page) => page.endsWith(`/${file}`)),
        `${name}: no page ${file}`,
      );
    }
  });
});
