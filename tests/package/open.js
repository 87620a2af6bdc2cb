// Pages of scratch projects in Chromium, and what their scripts come to.

import { chromium } from '../browser/engines.js';
import { serve } from '../browser/serve.js';

/** A global of the page at an address, once it is there. @param {string} url @param {string} name */
export async function open(url, name) {
  const page = await chromium.open(url);
  try {
    return await page.evaluate((global) => {
      if (!(global in globalThis)) throw new Error('the script of the page did not run');
      return /** @type {any} */ (globalThis)[global];
    }, name);
  } finally {
    await page.close();
  }
}

/** As open, of the files in a folder. @param {string} folder @param {string} name */
export async function openServed(folder, name) {
  const server = await serve(folder, '/below/');
  try {
    return await open(server.url, name);
  } finally {
    await server.close();
  }
}
