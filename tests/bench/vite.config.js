// The bench as a view of the page that nothing there links to: build/page/bench/.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { compileLimits } from './compile.js';

const limits = {
  name: 'limits',
  /** @this {any} */
  buildStart() {
    const source = compileLimits();
    if (source) this.emitFile({ type: 'asset', fileName: 'limits.wasm', source });
  },
  /** @param {string} html */
  transformIndexHtml: (html) => html.replace(/data-limits=".*?"/, 'data-limits="limits.wasm"'),
};

export default defineConfig({
  plugins: [limits],
  base: './',
  build: {
    outDir: fileURLToPath(new URL('../../build/page/bench', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // files, never data: URLs, as the page
    modulePreload: { polyfill: false },
  },
});
