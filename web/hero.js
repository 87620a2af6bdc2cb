// The picture at the top of the page: a network learning a wave, as it happens.

import { element, setText } from './dom.js';
import { createEngine } from './engine.js';
import { whileNear } from './paint.js';
import { count, number } from './text.js';
import { color, onThemeChange } from './theme.js';

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** @typedef {import('./wave.js').WavePicture} WavePicture */

/** @param {HTMLCanvasElement} canvas @param {WavePicture} picture */
function paint(canvas, { truth, guess, seen }) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) =>
    Math.round(side * ratio),
  );
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, width, height);
  const x = (/** @type {number} */ t) => (t / (truth.length - 1)) * width;
  const y = (/** @type {number} */ value) => height / 2 - value * (height / 2);
  const line = (/** @type {number[]} */ values, /** @type {number} */ first) => {
    context.beginPath();
    values.forEach((value, i) => {
      context.lineTo(x(first + i), y(Math.max(-1, Math.min(1, value))));
    });
    context.stroke();
  };

  context.fillStyle = color('--tint');
  context.fillRect(x(seen - 0.5), 0, width, height);
  context.strokeStyle = color('--line');
  context.lineWidth = ratio;
  context.beginPath();
  context.moveTo(0, y(0));
  context.lineTo(width, y(0));
  context.stroke();

  context.lineJoin = 'round';
  context.strokeStyle = color('--printed');
  context.lineWidth = 5 * ratio;
  context.setLineDash([]);
  line(truth.slice(0, seen), 0);
  context.setLineDash([ratio, 6 * ratio]);
  context.lineWidth = 2 * ratio;
  line(truth.slice(seen - 1), seen - 1);

  context.setLineDash([]);
  context.strokeStyle = color('--accent');
  context.lineWidth = 2.25 * ratio;
  line(guess, 1);
}

/**
 * Puts the picture in its place at once, so that nothing moves later.
 * @param {HTMLElement} parent
 * @param {(stepsPerSecond: number) => void} onSpeed
 * @returns {() => Promise<void>} starts the training
 */
export function createHero(parent, onSpeed) {
  const canvas = /** @type {HTMLCanvasElement} */ (
    element('canvas', {
      class: 'wave',
      role: 'img',
      'aria-label':
        'A wave and a network’s guess of it. The guess starts flat and comes to lie on the wave.',
    })
  );
  const readout = element('p', { class: 'wave-readout' });
  const again = element('button', { type: 'button', class: 'button quiet' }, 'Train again');
  parent.append(
    element(
      'figure',
      {},
      canvas,
      element(
        'figcaption',
        {},
        element(
          'p',
          {},
          'An LSTM of 16 units, trained on the left part while you look. In the tinted part it hears ' +
            'only itself.',
        ),
        element('div', { class: 'wave-foot' }, readout, again),
      ),
    ),
  );

  let seed = 1;
  let running = false;
  /** @type {WavePicture | null} */
  let newest = null;

  let painted = () => {}; // what waits for the picture
  const repaint = whileNear(canvas, () => {
    painted();
    if (!newest) return;
    const { step, steps, loss, stepsPerSecond } = newest;
    if (calm.matches && step < steps) return;
    paint(canvas, newest);
    setText(readout, `step ${count(step)} of ${count(steps)} · loss ${number(loss, 3)}`);
    onSpeed(stepsPerSecond);
  });
  /** Fulfilled when it is painted: nothing is trained here for nobody to see. */
  const show = (/** @type {WavePicture} */ picture) =>
    new Promise((/** @type {(value?: any) => void} */ resolve) => {
      newest = picture;
      painted = resolve;
      repaint();
    });

  const run = async () => {
    if (running) return;
    running = true;
    again.setAttribute('aria-disabled', 'true');
    const engine = createEngine();
    try {
      await engine.call('wave', seed, show);
      seed += 1;
    } catch (error) {
      readout.textContent = error.message;
    }
    engine.end();
    running = false;
    again.setAttribute('aria-disabled', 'false');
  };

  again.addEventListener('click', run);
  new ResizeObserver(repaint).observe(canvas);
  onThemeChange(canvas, repaint);
  return run;
}
