// A training on the page: made ready in a worker of its own when it comes near the screen, then in the
// visitor's hands: start, pause, go on, single steps, stop, reset. It is saved as it goes, so that it
// survives a reload, and the loss of its worker.

import { announce } from './announce.js';
import { LossChart } from './chart.js';
import { intro } from './check.js';
import { createControls } from './controls.js';
import { element, whenNear } from './dom.js';
import { createEngine, WorkerLost } from './engine.js';
import { listenToKeys } from './keys.js';
import { holdPage } from './leave.js';
import { Monitor } from './monitor.js';
import { Offer } from './offer.js';
import { oncePerFrame } from './paint.js';
import { keyOf, readRun, removeRun } from './saved.js';
import { sameUntil, valuesAt } from './settings.js';
import { paramsOf, setAll, setChanges } from './state.js';
import { Steering } from './steering.js';
import { comparison } from './tables.js';
import { Takeaway } from './takeaway.js';
import { count, spoken } from './text.js';
import { Transport, UNDER_WAY } from './transport.js';
import { overall } from './verdict.js';
import { viewsOf } from './views.js';
import { Warnings } from './warnings.js';
import { watch } from './watchdog.js';

/** @typedef {import('./transport.js').State} State */
/** @typedef {import('./engine.js').Engine} Engine */

const RECOVERIES = 3; // without a step in between: then it is no accident

class TrainingCard {
  /**
   * @param {import('./experiments/types.js').Training} experiment
   * @param {(verdict: string) => void} onVerdict
   */
  constructor(experiment, onVerdict) {
    const { id } = experiment;
    this.experiment = experiment;
    this.onVerdict = onVerdict;
    this.key = keyOf(id);
    /** @type {State} */
    this.state = 'closed';
    /** @type {Engine | null} */
    this.engine = null;
    this.opened = '';
    /** @type {Promise<void>} */
    this.opening = Promise.resolve();
    /** @type {Promise<void>} */
    this.running = Promise.resolve();
    /** @type {import('./frames.js').Update | null} */
    this.newest = null;
    this.done = 0;
    this.recoveries = 0;
    this.refusal = ''; // of storage, as it stands in the note

    this.chart = new LossChart(experiment);
    this.monitor = new Monitor();
    this.warnings = new Warnings();
    this.rows = element('div', { class: 'rows' });
    this.note = element('p', { class: 'note' });
    this.failure = element('p', { class: 'failure', role: 'alert', hidden: true });
    this.transport = new Transport((name) => this.act(name));
    this.offer = new Offer(experiment, {
      goOn: () => this.goOn(),
      forget: () => removeRun(this.key).catch(() => {}),
    });
    this.views = viewsOf(experiment, (name, ...args) => this.ask(name, ...args));
    this.show = oncePerFrame(() => this.showNewest());
    this.takeaway = new Takeaway(experiment, {
      weights: () => this.ask('weights'),
      take: (bytes, name) => this.takeWeights(bytes, name),
    });
    this.controls = createControls(
      experiment,
      () => this.settingsChanged(),
      (param, value) => this.steer(param, value),
    );
    this.steering = new Steering(experiment, () => {
      setChanges(id, []);
      this.settingsChanged();
    });
    this.node = this.build();
    this.takeaway.acceptDrops(this.node);
    listenToKeys(this.node, (name) => this.act(name));
    this.enter('closed');
    whenNear(this.node, () => {
      if (this.state === 'closed') this.open();
    });
  }

  build() {
    const { id } = this.experiment;
    return element(
      'article',
      {
        class: 'experiment training',
        id,
        tabindex: -1, // a click into the box gives its keys a focus
        'aria-labelledby': `${id}-title`,
        'data-kind': 'training',
      },
      intro(this.experiment, this.controls.node, this.steering.node),
      element(
        'div',
        { class: 'results' },
        element('div', { class: 'panel' }, this.transport.node, this.monitor.node),
        this.offer.node,
        this.note,
        this.failure,
        this.warnings.node,
        this.chart.node,
        this.monitor.probes,
        ...this.views.map((view) => view.node),
        this.rows,
        this.takeaway.node,
      ),
    );
  }

  showNewest() {
    if (!this.newest) return;
    this.monitor.update(this.newest);
    for (const view of this.views) view.update?.(this.newest);
  }

  /** @param {State} state */
  enter(state) {
    this.state = state;
    this.node.dataset.state = state;
    this.transport.show(state);
    this.steering.show(paramsOf(this.experiment).changes ?? [], !UNDER_WAY.includes(state));
    holdPage(this, ['running', 'stepping', 'pausing'].includes(state));
  }

  /** A button, or its key. @param {string} name */
  act(name) {
    if (!this.transport.enabled(name)) return;
    if (name === 'Start' && this.state === 'running') this.pause();
    else if (name === 'Start') this.start();
    else if (name === 'Step') this.start(1);
    else if (name === 'Epoch')
      this.start(this.chart.stepsPerEpoch - (this.done % this.chart.stepsPerEpoch));
    else if (name === 'Stop') this.stop();
    else this.reset();
  }

  /** Asks the worker, between two steps if it trains. @param {string} name @param {...any} args */
  ask(name, ...args) {
    if (!this.engine) return Promise.reject(new Error('there is no model yet.'));
    return this.engine.call(name, ...args);
  }

  // ---- Settings ----

  /** Another setting, or a link that brought some: a run that is on its way gives way, and can be taken up again. */
  async settingsChanged() {
    if (this.state === 'closed' || this.state === 'stopping') return;
    const asked = JSON.stringify(paramsOf(this.experiment));
    if (asked === this.opened) return;
    if (this.state === 'opening') this.opened = asked;
    await this.halt();
    this.open();
  }

  /** A live parameter while the run is under way. @param {import('./experiments/types.js').Param} param @param {number | string} value */
  steer(param, value) {
    const moves = UNDER_WAY.includes(this.state) && this.state !== 'stopping';
    if (!param.live || !moves) return false;
    const now = valuesAt(paramsOf(this.experiment), this.done);
    if (now[param.name] !== value) this.sendChange(param, value);
    return true;
  }

  /** @param {import('./experiments/types.js').Param} param @param {number | string} value */
  async sendChange(param, value) {
    const { engine } = this;
    try {
      const changes = await engine.call('change', param.name, value);
      if (this.engine !== engine) return;
      setChanges(this.experiment.id, changes);
      const params = paramsOf(this.experiment);
      this.opened = JSON.stringify(params);
      this.chart.values = params;
      this.steering.show(changes, false);
    } catch {
      // the run itself hears of it
    }
  }

  /** The controls show what holds now, which changes may have changed. */
  followChanges() {
    const params = paramsOf(this.experiment);
    const now = UNDER_WAY.includes(this.state) ? valuesAt(params, this.done) : params;
    const text = JSON.stringify(now);
    if (text === this.followed) return;
    this.followed = text;
    this.controls.show(now);
  }

  // ---- From nothing to ready ----

  /** A fresh worker with a fresh model, nothing trained yet. */
  open() {
    this.opening = this.makeReady('open');
    return this.opening;
  }

  /** @param {'open' | 'reopen'} how @param {import('./experiments/types.js').Values} [steered] what reopen() is to follow */
  async makeReady(how, steered) {
    const { experiment, key } = this;
    const { id } = experiment;
    this.dismiss();
    const engine = createEngine();
    this.engine = engine;
    this.watchdog = watch(engine);
    engine.gone.then((error) => {
      if (this.engine === engine) this.recover(error);
    });
    this.newest = null;
    this.done = 0;
    this.failure.hidden = true;
    this.offer.hide();
    this.rows.replaceChildren();
    this.warnings.clear();
    this.onVerdict('training');
    this.enter('opening');
    const params = paramsOf(experiment);
    this.opened = JSON.stringify(params);
    try {
      const args = how === 'open' ? [id, params, key] : [id, key, steered];
      const run = await engine.call(how, ...args);
      if (this.engine !== engine) return;
      if (how === 'reopen' && !steered) {
        this.opened = JSON.stringify(run.params);
        setAll(experiment, run.params);
      }
      this.begin(run);
      this.enter(run.done > 0 ? 'paused' : 'ready');
      this.followChanges();
      if (how === 'open') await this.lookForSaved(engine);
    } catch (error) {
      this.hearOf(error, engine);
    }
  }

  /** @param {any} run as the worker describes it */
  begin(run) {
    this.done = run.done;
    const params = paramsOf(this.experiment);
    this.chart.start(run, params);
    this.chart.restore(run.curve);
    const { pace } = this.experiment;
    this.monitor.start(run, pace.when(params) ? pace.milliseconds : null);
    if (run.weightsFrom) this.say(`Its weights came from ${run.weightsFrom}.`);
    for (const view of this.views) view.start?.();
  }

  /** @param {Engine} engine */
  async lookForSaved(engine) {
    const saved = await readRun(this.key).catch(() => undefined); // no storage: nothing saved
    if (saved?.done > 0 && this.engine === engine && this.state === 'ready') this.offer.show(saved);
  }

  // ---- Running ----

  /** @param {number} [steps] all that are left when left out */
  async start(steps) {
    if (this.state === 'opening') await this.opening;
    else if (this.state !== 'paused' && this.state !== 'ready') await this.open();
    if (this.state !== 'ready' && this.state !== 'paused') return;
    this.offer.hide();
    this.say('');
    this.refusal = '';
    if (steps === undefined) {
      announce(this.state === 'paused' ? 'Training goes on.' : 'Training started.');
    }
    this.running = this.run(steps);
  }

  /** @param {number} [steps] */
  async run(steps) {
    const { engine } = this;
    this.enter(steps === 1 ? 'stepping' : 'running');
    this.onVerdict('running');
    const hear = (/** @type {any} */ update) => this.take(engine, update);
    try {
      const end = await engine.call('run', hear, steps);
      if (this.engine !== engine) return;
      this.showNewest(); // who reads that it rests reads where
      if (this.state === 'stopping') return;
      if (end === 'finished') {
        await this.end('finished');
        return;
      }
      this.enter('paused');
      this.onVerdict('paused');
      announce(steps ? `Paused after step ${count(this.done)}.` : 'Training paused.');
    } catch (error) {
      this.hearOf(error, engine);
    }
  }

  /** @param {Engine} engine @param {import('./frames.js').Update & { warnings: string[], refusal: string }} update */
  take(engine, update) {
    if (this.engine !== engine) return;
    this.watchdog.heard();
    this.newest = { ...update, probes: update.probes ?? this.newest?.probes };
    this.done = update.done;
    this.recoveries = 0;
    this.chart.add(update);
    this.warnings.add(update.warnings);
    if (update.refusal !== this.refusal) {
      this.refusal = update.refusal;
      this.say(this.refusal && `This run cannot be saved in this browser: ${this.refusal}`);
    }
    this.show();
    this.followChanges();
    if (this.state === 'running') {
      const epoch = `Epoch ${count(update.epoch + 1)} of ${count(this.monitor.epochs)}`;
      announce(`${epoch}, loss ${spoken(update.epochLoss)}.`);
    }
  }

  pause() {
    this.enter('pausing');
    this.engine.call('pause').catch(() => {}); // run() hears of it
  }

  /** Brings a run that moves to rest; it is saved then. */
  async halt() {
    if (!['running', 'stepping', 'pausing'].includes(this.state)) return;
    const { engine } = this;
    this.enter('stopping');
    engine.call('pause').catch(() => {});
    await this.running;
  }

  /** Ends the run, and keeps what it came to. */
  async stop() {
    const { engine } = this;
    await this.halt();
    if (this.engine === engine && UNDER_WAY.includes(this.state)) await this.end('stopped');
  }

  /** @param {'stopped' | 'finished'} state */
  async end(state) {
    const { engine } = this;
    try {
      const { probes, rows } = await engine.call('report');
      await engine.call('forget');
      if (this.engine !== engine) return;
      if (this.newest) this.newest = { ...this.newest, probes };
      this.monitor.showProbes(probes);
      this.rows.replaceChildren(comparison(rows, `${this.experiment.title}: what it came to`));
      this.onVerdict(rows.length > 0 ? overall(rows) : 'open');
      this.enter(state);
      announce(state === 'finished' ? 'Training finished.' : 'Training stopped.');
    } catch (error) {
      this.hearOf(error, engine);
    }
  }

  async reset() {
    await this.halt();
    this.say('');
    announce('Back to the start, same seed.');
    this.open();
  }

  // ---- Runs that were interrupted ----

  /** Takes up the run that was saved. */
  async goOn() {
    await this.makeReady('reopen');
    if (this.state !== 'paused') return;
    announce(`Training goes on from step ${count(this.done)}.`);
    this.running = this.run();
  }

  /** The worker has gone: another takes its place, from where the run was saved. @param {WorkerLost} error */
  async recover(error) {
    const moving = ['running', 'stepping', 'pausing'].includes(this.state);
    if (this.state === 'stopped' || this.state === 'finished') {
      this.dismiss(); // what it came to is on the page
      return;
    }
    if (this.recoveries++ >= RECOVERIES) {
      this.fail(error);
      return;
    }
    const saved = await readRun(this.key).catch(() => undefined);
    const params = paramsOf(this.experiment);
    const usable = this.done > 0 && saved && sameUntil(saved.params, params, saved.done);
    await (usable ? this.makeReady('reopen', params) : this.makeReady('open'));
    if (this.state !== 'paused' && this.state !== 'ready') return;
    const from = this.done > 0 ? `step ${count(this.done)}, where the run was saved` : 'the start';
    this.offer.hide();
    this.say(`${error.message} Another one has taken over from ${from}.`);
    announce(`The worker was lost. Another one has taken over from ${from}.`);
    if (moving) this.running = this.run();
  }

  /** @param {Uint8Array} bytes @param {string} name */
  async takeWeights(bytes, name) {
    if (this.state === 'opening') await this.opening;
    const probes = await this.ask('takeWeights', bytes, name);
    if (this.newest) this.newest = { ...this.newest, probes };
    this.monitor.showProbes(probes);
    for (const view of this.views) view.start?.();
    this.say(`Its weights came from ${name}.`);
  }

  /** @param {string} sentence */
  say(sentence) {
    this.note.textContent = sentence;
  }

  /** A call failed; of a lost worker recover() hears. @param {Error} error @param {Engine} engine */
  hearOf(error, engine) {
    if (this.engine === engine && !(error instanceof WorkerLost)) this.fail(error);
  }

  /** Lets the worker go, and its memory with it. */
  dismiss() {
    this.watchdog?.end();
    this.engine?.end();
    this.engine = null;
  }

  /** @param {Error} error */
  fail(error) {
    this.dismiss();
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
