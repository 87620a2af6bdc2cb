// A training on the page: made ready in a worker of its own when it comes near the screen, then in the
// visitor's hands: start, pause, go on, stop, reset.

import { announce } from './announce.js';
import { LossChart } from './chart.js';
import { intro } from './check.js';
import { createControls } from './controls.js';
import { element, oncePerFrame, whenNear } from './dom.js';
import { createEngine } from './engine.js';
import { Monitor } from './monitor.js';
import { paramsOf } from './state.js';
import { comparison } from './tables.js';
import { spoken } from './text.js';
import { overall } from './verdict.js';
import { viewsOf } from './views.js';
import { Warnings } from './warnings.js';

/** @typedef {'closed' | 'opening' | 'ready' | 'running' | 'pausing' | 'paused' | 'stopping' | 'stopped' | 'finished' | 'failed'} State */

/** @type {Record<State, string>} what the main button does in each state */
const MAIN = {
  closed: 'Start',
  opening: 'Start',
  ready: 'Start',
  running: 'Pause',
  pausing: 'Pause',
  paused: 'Resume',
  stopping: 'Start again',
  stopped: 'Start again',
  finished: 'Start again',
  failed: 'Start again',
};

/** @type {State[]} settings are fixed while a run is under way */
const UNDER_WAY = ['running', 'pausing', 'paused', 'stopping'];

class TrainingCard {
  /**
   * @param {import('./experiments/types.js').Training} experiment
   * @param {(verdict: string) => void} onVerdict
   */
  constructor(experiment, onVerdict) {
    this.experiment = experiment;
    this.onVerdict = onVerdict;
    /** @type {State} */
    this.state = 'closed';
    /** @type {import('./engine.js').Engine | null} */
    this.engine = null;
    this.opened = '';
    /** @type {Promise<void>} */
    this.opening = Promise.resolve();
    /** @type {Promise<void>} */
    this.running = Promise.resolve();
    /** @type {import('./frames.js').Update | null} */
    this.newest = null;

    this.chart = new LossChart(experiment.title);
    this.monitor = new Monitor();
    this.show = oncePerFrame(() => {
      if (!this.newest) return;
      this.monitor.update(this.newest);
      for (const view of this.views) view.update?.(this.newest);
    });
    this.warnings = new Warnings();
    this.rows = element('div', { class: 'rows' });
    this.failure = element('p', { class: 'failure', role: 'alert', hidden: true });
    this.views = viewsOf(experiment, (sequence) => this.engine.call('predict', sequence));
    const { node: controls } = createControls(experiment, () => this.settingsChanged());
    this.controls = controls;
    this.node = this.build();
    this.enter('closed');
    whenNear(this.node, () => {
      if (this.state === 'closed') this.open();
    });
  }

  build() {
    const { experiment } = this;
    const button = (/** @type {string} */ name, /** @type {() => void} */ act, style = '') =>
      element(
        'button',
        {
          type: 'button',
          class: `button ${style}`,
          onclick: () => {
            if (this.buttons[name].getAttribute('aria-disabled') !== 'true') act();
          },
        },
        name,
      );
    /** @type {Record<string, HTMLElement>} */
    this.buttons = {
      Start: button('Start', () => this.main(), 'main'),
      Stop: button('Stop', () => this.stop()),
      Reset: button('Reset', () => this.reset()),
    };
    this.status = element('p', { class: 'status' });
    const panel = element(
      'div',
      { class: 'panel' },
      element('div', { class: 'buttons' }, ...Object.values(this.buttons), this.status),
      this.monitor.node,
    );
    return element(
      'article',
      {
        class: 'experiment training',
        id: experiment.id,
        'aria-labelledby': `${experiment.id}-title`,
        'data-kind': 'training',
      },
      intro(experiment, this.controls),
      element(
        'div',
        { class: 'results' },
        panel,
        this.failure,
        this.warnings.node,
        this.chart.node,
        this.monitor.probes,
        ...this.views.map((view) => view.node),
        this.rows,
      ),
    );
  }

  /** @param {State} state */
  enter(state) {
    this.state = state;
    this.node.dataset.state = state;
    const underWay = UNDER_WAY.includes(state);
    const busy = state === 'pausing' || state === 'stopping';
    this.buttons.Start.textContent = MAIN[state];
    const off = (/** @type {string} */ name, /** @type {boolean} */ value) =>
      this.buttons[name].setAttribute('aria-disabled', String(value));
    off('Start', busy);
    off('Stop', !underWay || state === 'stopping');
    off('Reset', state === 'closed' || state === 'opening' || state === 'ready');
    if (this.controls) this.controls.disabled = underWay;
    this.status.textContent =
      {
        running: 'Training',
        pausing: 'Pausing',
        paused: 'Paused',
        stopping: 'Stopping',
        stopped: 'Stopped',
        finished: 'Finished',
      }[state] ?? '';
  }

  main() {
    if (this.state === 'running') this.pause();
    else this.start();
  }

  settingsChanged() {
    if (UNDER_WAY.includes(this.state) || this.state === 'closed') return;
    if (JSON.stringify(paramsOf(this.experiment)) !== this.opened) this.open();
  }

  /** A fresh worker with a fresh model, nothing trained yet. */
  open() {
    this.opening = this.makeReady();
    return this.opening;
  }

  async makeReady() {
    this.engine?.end();
    const engine = createEngine();
    this.engine = engine;
    this.newest = null;
    this.failure.hidden = true;
    this.rows.replaceChildren();
    this.warnings.clear();
    this.onVerdict('training');
    this.enter('opening');
    const params = paramsOf(this.experiment);
    this.opened = JSON.stringify(params);
    try {
      const run = await engine.call('open', this.experiment.id, params);
      if (this.engine !== engine) return;
      this.chart.start(run);
      this.monitor.start(run);
      for (const view of this.views) view.start?.();
      this.enter('ready');
    } catch (error) {
      if (this.engine === engine) this.fail(error);
    }
  }

  async start() {
    if (this.state === 'opening') await this.opening;
    else if (this.state !== 'paused' && this.state !== 'ready') await this.open();
    if (this.state !== 'ready' && this.state !== 'paused') return;
    announce(this.state === 'paused' ? 'Training goes on.' : 'Training started.');
    this.running = this.run();
  }

  async run() {
    const { engine } = this;
    this.enter('running');
    this.onVerdict('running');
    try {
      const end = await engine.call('run', (update) => this.take(engine, update));
      if (this.engine !== engine || this.state === 'stopping') return;
      if (end === 'paused') {
        this.enter('paused');
        this.onVerdict('paused');
        announce('Training paused.');
      } else {
        await this.end('finished');
      }
    } catch (error) {
      if (this.engine === engine) this.fail(error);
    }
  }

  /** @param {import('./engine.js').Engine} engine @param {import('./frames.js').Update & { warnings: string[] }} update */
  take(engine, update) {
    if (this.engine !== engine) return;
    this.newest = { ...update, probes: update.probes ?? this.newest?.probes };
    this.chart.add(update);
    this.warnings.add(update.warnings);
    this.show();
    if (this.state === 'running') {
      const epoch = `Epoch ${update.epoch + 1} of ${this.monitor.epochs}`;
      announce(`${epoch}, loss ${spoken(update.epochLoss)}.`);
    }
  }

  pause() {
    this.enter('pausing');
    this.engine.call('pause').catch(() => {}); // run() hears of it
  }

  /** Ends the run, and keeps what it came to. */
  async stop() {
    const { engine } = this;
    this.enter('stopping');
    engine.call('pause').catch(() => {});
    await this.running;
    if (this.engine === engine && this.state === 'stopping') await this.end('stopped');
  }

  /** @param {'stopped' | 'finished'} state */
  async end(state) {
    const { engine } = this;
    try {
      const { probes, rows } = await engine.call('report');
      if (this.engine !== engine) return;
      if (this.newest) this.newest = { ...this.newest, probes };
      this.monitor.showProbes(probes);
      this.rows.replaceChildren(comparison(rows, `${this.experiment.title}: what it came to`));
      this.onVerdict(rows.length > 0 ? overall(rows) : 'open');
      this.enter(state);
      announce(state === 'finished' ? 'Training finished.' : 'Training stopped.');
      this.engine = null;
      engine.end(); // its memory goes with it
    } catch (error) {
      if (this.engine === engine) this.fail(error);
    }
  }

  reset() {
    announce('Back to the start, same seed.');
    this.open();
  }

  /** @param {Error} error */
  fail(error) {
    this.engine?.end();
    this.engine = null;
    this.failure.textContent = error.message;
    this.failure.hidden = false;
    this.onVerdict('differs');
    this.enter('failed');
  }
}

/**
 * @param {import('./experiments/types.js').Training} experiment
 * @param {(verdict: string) => void} onVerdict
 * @returns {HTMLElement}
 */
export function createTraining(experiment, onVerdict) {
  return new TrainingCard(experiment, onVerdict).node;
}
