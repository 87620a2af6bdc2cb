// The guides, guide/*.md, as pages: rendered when the page is built, so that they are plain HTML there.

import { readdirSync, readFileSync } from 'node:fs';
import { Marked } from 'marked';

const FOLDER = new URL('./guide/', import.meta.url);
const STYLES = ['names', 'ground', 'frame', 'tables', 'guide'];
/** In the order in which they are best read; one that is not here comes last. */
const ORDER = ['from-pytorch', 'streaming', 'worker', 'bundlers', 'gate-orders'];

/** @param {string} text */
const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** As GitHub makes the ids of headings. @param {string} text */
const slug = (text) =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

const marked = new Marked({
  renderer: {
    heading({ tokens, depth, text }) {
      return `<h${depth} id="${slug(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
    },
    // What may be wider than a phone scrolls by itself, by keyboard too.
    code({ text, lang }) {
      const label = lang === 'text' ? 'Output' : 'Code';
      const kind = lang === 'text' ? ' class="printed"' : '';
      return `<pre${kind} tabindex="0" role="group" aria-label="${label}"><code>${escaped(text)}</code></pre>\n`;
    },
    table(token) {
      const row = (/** @type {any[]} */ cells, /** @type {string} */ tag) =>
        `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('')}</tr>`;
      // a header cell without text is none
      const head = row(token.header, 'th').replaceAll('<th></th>', '<td></td>');
      const body = token.rows.map((cells) => row(cells, 'td')).join('\n');
      return `<div class="scroller" tabindex="0" role="group" aria-label="Table"><table><thead>${head}</thead><tbody>${body}</tbody></table></div>\n`;
    },
    link({ href, tokens }) {
      const to = href.replace(/^([\w-]+)\.md(?=#|$)/, '$1.html');
      return `<a href="${escaped(to)}">${this.parser.parseInline(tokens)}</a>`;
    },
  },
});

/** All guides: name, title and text. */
export const guides = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.md'))
  .map((file) => {
    const text = readFileSync(new URL(file, FOLDER), 'utf8');
    return { name: file.slice(0, -'.md'.length), title: /^# (.*)$/m.exec(text)[1], text };
  })
  .sort((a, b) => place(a.name) - place(b.name) || (a.name < b.name ? -1 : 1));

/** @param {string} name */
function place(name) {
  const at = ORDER.indexOf(name);
  return at < 0 ? ORDER.length : at;
}

/**
 * Links to all guides, and to the reference where it was made.
 * @param {string} base from the page that they are on to the folder of the guides
 * @param {string | null} reference from there to the reference
 * @param {string} [here] the name of the guide that they are on
 */
export function guideLinks(base, reference, here) {
  const items = guides.map(({ name, title }) => {
    const current = name === here ? ' aria-current="page"' : '';
    return `<li><a href="${base}${name}.html"${current}>${escaped(title)}</a></li>`;
  });
  if (reference) items.push(`<li><a href="${reference}">API reference</a></li>`);
  return `<ul>${items.join('')}</ul>`;
}

/**
 * The files of the guides by their names in the built page.
 * @param {string | null} reference from the folder of the guides to the reference
 * @returns {Record<string, string>}
 */
export function guideFiles(reference) {
  const frame = readFileSync(new URL('./guide/frame.html', import.meta.url), 'utf8');
  const pages = guides.map(({ name, title, text }) => {
    const parts = {
      title: escaped(title),
      guides: guideLinks('./', reference, name),
      text: /** @type {string} */ (marked.parse(text)),
    };
    return [`guide/${name}.html`, frame.replaceAll(/<!-- (\w+) -->/g, (_, part) => parts[part])];
  });
  const css = STYLES.map((name) =>
    readFileSync(new URL(`./style/${name}.css`, import.meta.url), 'utf8'),
  );
  const icon = readFileSync(new URL('./icon.svg', import.meta.url), 'utf8');
  return {
    ...Object.fromEntries(pages),
    'guide/guide.css': css.join('\n'),
    'guide/icon.svg': icon,
  };
}
