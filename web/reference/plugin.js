// What typedoc's pages need to be part of a site with a strict Content-Security-Policy: the one script that
// they hold inside becomes a file, and the style that their script makes a sheet, which policies allow.
// A warning here fails the build, as all of typedoc's do.
// @ts-check

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const INLINE = /<script>(.*?)<\/script>/gs;
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'";

const STYLE = 'document.head.appendChild(document.createElement("style"))';
const SHEET = `function filterStyle() {
  const sheet = new CSSStyleSheet();
  let text = '';
  document.adoptedStyleSheets.push(sheet);
  return {
    dataset: {},
    get innerHTML() {
      return text;
    },
    set innerHTML(value) {
      text = value;
      sheet.replaceSync(text);
    },
  };
}
`;

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
          `${meta}<meta http-equiv="Content-Security-Policy" content="${POLICY}"/>` +
          `<link rel="icon" href="${root}../guide/icon.svg" type="image/svg+xml"/>`,
      )
      .replace(
        '<div id="tsd-toolbar-links">',
        (/** @type {string} */ start) => `${start}<a href="${root}../index.html">The notebooks</a>`,
      );
    if (/\sstyle="|<style|\son\w+="/.test(page.contents.replaceAll(/<pre>.*?<\/pre>/gs, ''))) {
      app.logger.warn(`${page.url} has a style or a handler inside, which its policy forbids`);
    }
    if (!page.contents.includes(POLICY)) app.logger.warn(`${page.url} has no policy`);
  });

  const finish = (/** @type {any} */ { outputDirectory }) => {
    const main = join(outputDirectory, 'assets/main.js');
    const code = readFileSync(main, 'utf8');
    if (scripts.size !== 1) app.logger.warn(`one inline script was expected, not ${scripts.size}`);
    if (!code.includes(STYLE)) app.logger.warn(`assets/main.js has no ${STYLE}`);
    writeFileSync(main, code.replace(STYLE, 'filterStyle()'));
    writeFileSync(join(outputDirectory, 'assets/first.js'), SHEET + [...scripts].join('\n'));
  };
  app.renderer.on('endRender', finish, -1000); // after typedoc's own files are there
}
