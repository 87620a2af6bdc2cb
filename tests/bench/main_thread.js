// How free the built page's main thread stays while notebook 003 trains: timers that should fire at once,
// and how late they fire; frames; the training's steps beside.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, firefox } from '../browser/engines.js';
import { serve } from '../browser/serve.js';

const BUILT = fileURLToPath(new URL('../../build/page', import.meta.url));
const CARD = '[id="003-lstm"]';
const AIM = 50; // ms: a longer task is felt

/**
 * @typedef {object} Freedom
 * @property {string} browser
 * @property {number} seconds
 * @property {number} longest      ms that a timer was late, at most: the longest task
 * @property {number} late99       ms that 99 of 100 timers stay below
 * @property {number} frames       a second
 * @property {number} steps        a second
 */

/** In the page. @param {string} card @param {number} seconds @returns {Promise<Omit<Freedom, 'browser'>>} */
async function look(card, seconds) {
  const stepsNow = () =>
    Number(
      document
        .querySelector(`${card} [data-fact="step"]`)
        .textContent.split('/')[0]
        .replaceAll(',', ''),
    );
  /** @type {number[]} */
  const late = [];
  let frames = 0;
  let looking = true;
  const frame = () => {
    frames += 1;
    if (looking) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const [began, before] = [performance.now(), stepsNow()];
  while (performance.now() - began < 1000 * seconds) {
    const asked = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 4));
    late.push(Math.max(0, performance.now() - asked - 4));
  }
  looking = false;
  const took = (performance.now() - began) / 1000;
  late.sort((a, b) => a - b);
  return {
    seconds: took,
    longest: late.at(-1),
    late99: late[Math.floor(0.99 * late.length)],
    frames: frames / took,
    steps: (stepsNow() - before) / took,
  };
}

/**
 * @param {number} seconds
 * @param {(text: string) => void} progress
 * @returns {Promise<Freedom[]>}
 */
export async function measureMainThread(seconds, progress) {
  if (!existsSync(BUILT)) throw new Error('build the page first: ./build.sh page');
  const server = await serve(BUILT);
  /** @type {Freedom[]} */
  const results = [];
  try {
    for (const engine of [chromium, firefox]) {
      progress(`${engine.name}: the page`);
      const page = await engine.open(`${server.url}#003-lstm`);
      try {
        await page.evaluate(async (card) => {
          const at = () => /** @type {HTMLElement} */ (document.querySelector(card));
          const wait = () => new Promise((resolve) => setTimeout(resolve, 50));
          while (at()?.dataset.state !== 'ready') await wait();
          /** @type {HTMLElement} */ (at().querySelector('.button.main')).click();
          while (at().dataset.state !== 'running') await wait();
          await new Promise((resolve) => setTimeout(resolve, 1000)); // warm
        }, CARD);
        results.push({ browser: engine.name, ...(await page.evaluate(look, CARD, seconds)) });
      } finally {
        await page.close();
      }
    }
  } finally {
    await server.close();
    progress('');
  }
  return results;
}

/** @param {Freedom[]} results */
export const mainThreadText = (results) =>
  results
    .map(
      ({ browser, seconds, longest, late99, frames, steps }) =>
        `${browser}, ${seconds.toFixed(0)} s of notebook 003: the longest task ` +
        `${longest.toFixed(0)} ms (${longest < AIM ? 'below' : 'NOT below'} ${AIM}), 99 of 100 timers ` +
        `at most ${late99.toFixed(1)} ms late, ${frames.toFixed(0)} frames and ` +
        `${steps.toFixed(0)} steps a second`,
    )
    .join('\n');
