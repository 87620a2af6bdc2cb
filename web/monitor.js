// Where a training stands: progress, speed, time left, and what the model answers now.

import { element, setText } from './dom.js';
import { count, duration, minus, number } from './text.js';

/** @typedef {import('./experiments/types.js').Probe} Probe */

const FACTS = {
  epoch: 'epoch',
  step: 'step',
  loss: 'mean loss',
  speed: 'steps/s',
  pace: 'beside the notebook',
  left: 'time left',
};

export class Monitor {
  constructor() {
    this.epochs = 0;
    this.totalSteps = 0;
    /** Milliseconds that the notebook took for such a step. @type {number | null} */
    this.pace = null;
    this.bar = /** @type {HTMLProgressElement} */ (
      element('progress', { max: 1, value: 0, 'aria-label': 'Progress of the training' })
    );
    /** @type {Record<string, HTMLElement>} */
    this.values = {};
    const facts = Object.entries(FACTS).map(([name, label]) => {
      this.values[name] = element('dd', { 'data-fact': name }, '–');
      return element('div', { 'data-of': name }, element('dt', {}, label), this.values[name]);
    });
    this.node = element('div', { class: 'monitor' }, this.bar, element('dl', {}, ...facts));
    this.probes = element('div', { class: 'probes' });
  }

  /**
   * @param {{ epochs: number, totalSteps: number, stepsPerEpoch: number, done: number, probes: Probe[] }} run
   * @param {number | null} pace milliseconds that the notebook took for such a step
   */
  start({ epochs, totalSteps, stepsPerEpoch, done, probes }, pace) {
    this.epochs = epochs;
    this.totalSteps = totalSteps;
    this.pace = pace;
    this.bar.max = totalSteps;
    this.bar.value = done;
    for (const value of Object.values(this.values)) value.textContent = '–';
    this.set('epoch', `${count(Math.ceil(done / stepsPerEpoch))} / ${count(epochs)}`);
    this.set('step', `${count(done)} / ${count(totalSteps)}`);
    this.values.pace.parentElement.hidden = pace === null;
    this.showProbes(probes);
  }

  /** @param {string} name @param {string} text */
  set(name, text) {
    setText(this.values[name], text);
  }

  /** @param {import('./frames.js').Update} update */
  update({ done, epoch, epochLoss, stepsPerSecond, probes }) {
    this.bar.value = done;
    this.set('epoch', `${count(epoch + 1)} / ${count(this.epochs)}`);
    this.set('step', `${count(done)} / ${count(this.totalSteps)}`);
    this.set('loss', number(epochLoss));
    this.set('speed', Number.isFinite(stepsPerSecond) ? number(stepsPerSecond, 3) : '–');
    if (this.pace !== null && stepsPerSecond > 0) {
      const ratio = (this.pace * stepsPerSecond) / 1000;
      this.set('pace', `${number(ratio, 2)}× as fast`);
      this.values.pace.title =
        `${number(1000 / stepsPerSecond, 2)} ms a step here, ` + `${number(this.pace, 3)} ms there`;
    }
    this.set('left', duration((this.totalSteps - done) / stepsPerSecond));
    if (probes) this.showProbes(probes);
  }

  /** @param {Probe[]} probes */
  showProbes(probes) {
    if (probes === this.shown) return;
    this.shown = probes;
    this.probes.replaceChildren(
      ...probes.map(({ input, output, expected, printed }) =>
        element(
          'dl',
          { class: 'probe' },
          element('div', {}, element('dt', {}, 'asked'), element('dd', {}, input)),
          element(
            'div',
            { class: 'now' },
            element('dt', {}, 'answers'),
            element('dd', {}, minus(output.toFixed(4))),
          ),
          element('div', {}, element('dt', {}, 'true sum'), element('dd', {}, number(expected))),
          element('div', {}, element('dt', {}, 'notebook'), element('dd', {}, minus(printed))),
        ),
      ),
    );
  }
}
