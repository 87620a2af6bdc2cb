// How far back an output reaches: its gradient by every input before it, as bars, for several networks
// one beneath the other; and the norm of the gradient on its way back.

import { element } from './dom.js';
import { symbol } from './scrubber.js';
import { createSeries } from './series.js';
import { dataBehind, plainTable, renewData } from './tables.js';
import { number } from './text.js';

/** @typedef {import('./experiments/types.js').Reach} Reach */

/**
 * The norms of all networks as one chart.
 * @param {Reach[]} reach
 * @returns {import('./experiments/types.js').Series}
 */
const normsOf = (reach) => ({
  title: 'How strong the gradient of the last output is at every state',
  xLabel: 'step',
  x: reach[0].norms[0].values.map((_, t) => t),
  lines: reach.flatMap(({ norms }) => norms),
  log: true,
});

/**
 * @param {Reach[]} first
 * @param {import('./clock.js').Clock} clock the step whose output is asked about
 * @returns {{ node: HTMLElement, update: (reach: Reach[]) => void }}
 */
export function createReach(first, clock) {
  let reach = first;
  const chart = createSeries(normsOf(first), clock);
  const input = /** @type {HTMLInputElement} */ (
    element('input', { type: 'range', min: 0, step: 1, autocomplete: 'off' })
  );
  const said = element('output', { 'aria-hidden': 'true' });
  input.addEventListener('input', () => clock.go(input.valueAsNumber));

  const rows = first.map(({ label }) => {
    const bars = element('div', { class: 'bars', role: 'img' });
    const strongest = element('span', { class: 'readout' });
    bars.addEventListener('pointermove', ({ clientX }) => {
      const { left, width } = bars.getBoundingClientRect();
      clock.go(Math.floor(((clientX - left) / width) * clock.steps));
    });
    const head = element('div', { class: 'bars-head' }, element('b', {}, label), strongest);
    return { bars, strongest, node: element('div', { class: 'bars-row' }, head, bars) };
  });

  function draw() {
    const { t: k, steps } = clock;
    input.max = String(steps - 1);
    input.value = String(k);
    said.textContent = String(k);
    input.setAttribute('aria-valuetext', `the output at step ${k} of ${steps - 1}`);
    renewData(data);
    rows.forEach(({ bars, strongest }, i) => {
      const values = reach[i].reaches[k]?.slice(0, k + 1);
      if (!values) return; // steps and gradients change one after the other
      const most = Math.max(...values.map(Math.abs));
      while (bars.children.length > steps) bars.lastChild.remove();
      while (bars.children.length < steps) bars.append(element('i', {}));
      [...bars.children].forEach((bar, t) => {
        const { style, dataset } = /** @type {HTMLElement} */ (bar);
        const part = t <= k && most > 0 ? Math.abs(values[t]) / most : 0;
        style.height = t <= k ? `${Math.max(1.5, 100 * part)}%` : '0';
        dataset.sign = values[t] < 0 ? 'minus' : 'plus';
        dataset.now = String(t === k);
      });
      const far = values.findIndex((value) => Math.abs(value) >= 0.01 * most);
      const back = k - far;
      strongest.textContent = `reaches ${back} ${back === 1 ? 'step' : 'steps'} back · strongest ${number(most, 3)}`;
      bars.setAttribute(
        'aria-label',
        `${reach[i].label}: the output at step ${k} depends on ${back} steps before it by more ` +
          `than a hundredth of the strongest, which is ${number(most, 3)}`,
      );
    });
  }

  const table = () =>
    plainTable({
      title: `∂y/∂x of the output at step ${clock.t}`,
      columns: ['input at step', ...reach.map(({ label }) => label)],
      rows: Array.from({ length: clock.t + 1 }, (_, t) => [
        t,
        ...reach.map(({ reaches }) => number(reaches[clock.t][t], 6)),
      ]),
    });

  const data = dataBehind('The same as a table', table);
  clock.listen(draw);
  const node = element(
    'div',
    { class: 'reach' },
    element(
      'div',
      { class: 'bars-box' },
      element('h4', {}, 'What the output at one step depends on: ', ...symbol('∂y_k/∂x_t')),
      element(
        'div',
        { class: 'sliders' },
        element('label', { class: 'slider' }, element('span', {}, 'Step k'), input, said),
      ),
      ...rows.map((row) => row.node),
      data,
    ),
    chart.node,
  );
  return {
    node,
    update(next) {
      reach = next;
      chart.update(normsOf(next));
      draw();
    },
  };
}
