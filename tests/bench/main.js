// Starts the bench in a page: the library as it ships, and a button.

import * as unrolled from '../../dist/index.js';
import { bench, runAll } from './page.js';

const result = /** @type {HTMLElement} */ (document.querySelector('pre'));

async function start() {
  const page = await bench(/** @type {any} */ (unrolled)); // dist/ has types of its own
  const run = /** @type {HTMLButtonElement} */ (document.querySelector('button'));
  run.disabled = false;
  run.onclick = async () => {
    run.disabled = true;
    await runAll(page, (text) => result.replaceChildren(text));
    run.disabled = false;
  };
  return page;
}

const started = start();
started.catch((error) => result.replaceChildren(error));
/** @type {any} */ (globalThis).bench = started; // what browser.js asks
