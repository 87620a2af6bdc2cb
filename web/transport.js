// The buttons of a training, and what their keys are.

import { element } from './dom.js';
import { KEYS } from './keys.js';

/** @typedef {'closed' | 'opening' | 'ready' | 'running' | 'stepping' | 'pausing' | 'paused' | 'stopping' | 'stopped' | 'finished' | 'failed'} State */

/** A run is on its way, whether or not it moves. @type {State[]} */
export const UNDER_WAY = ['running', 'stepping', 'pausing', 'paused', 'stopping'];

/** @type {Partial<Record<State, string>>} what the main button does; else it starts */
const MAIN = {
  running: 'Pause',
  pausing: 'Pause',
  stepping: 'Resume',
  paused: 'Resume',
  stopping: 'Start again',
  stopped: 'Start again',
  finished: 'Start again',
  failed: 'Start again',
};

/** @type {Partial<Record<State, string>>} */
const STATUS = {
  opening: 'Getting ready',
  running: 'Training',
  pausing: 'Pausing',
  paused: 'Paused',
  stopping: 'Stopping',
  stopped: 'Stopped',
  finished: 'Finished',
};

/** @type {Record<string, State[]>} */
const ENABLED = {
  Start: ['closed', 'opening', 'ready', 'running', 'paused', 'stopped', 'finished', 'failed'],
  Step: ['ready', 'paused'],
  Epoch: ['ready', 'paused'],
  Reset: ['running', 'paused', 'stopped', 'finished', 'failed'],
  Stop: ['running', 'stepping', 'pausing', 'paused'],
};

const ARIA_KEYS = { ' ': 'Space', r: 'R' };

export class Transport {
  /** @param {(name: string) => void} act */
  constructor(act) {
    /** @type {Record<string, HTMLElement>} */
    this.buttons = {};
    for (const { name, key, shift, does } of KEYS) {
      this.buttons[name] = element(
        'button',
        {
          type: 'button',
          class: name === 'Start' ? 'button main' : 'button',
          title: name === 'Start' ? null : does,
          'aria-keyshortcuts': (shift ? 'Shift+' : '') + (ARIA_KEYS[key] ?? key),
          onclick: () => act(name),
        },
        name,
      );
    }
    this.status = element('p', { class: 'status' });
    this.node = element(
      'div',
      { class: 'transport' },
      element('div', { class: 'buttons' }, ...Object.values(this.buttons), this.status),
      element(
        'p',
        { class: 'keys' },
        'Keys, while the focus is in this box: ',
        ...KEYS.flatMap(({ says, does }, i) => [
          i > 0 ? ', ' : '',
          element('kbd', {}, says),
          ` ${does}`,
        ]),
        '.',
      ),
    );
  }

  /** @param {string} name */
  enabled(name) {
    return this.buttons[name].getAttribute('aria-disabled') !== 'true';
  }

  /** @param {State} state */
  show(state) {
    this.buttons.Start.textContent = MAIN[state] ?? 'Start';
    for (const [name, states] of Object.entries(ENABLED)) {
      this.buttons[name].setAttribute('aria-disabled', String(!states.includes(state)));
    }
    if (state !== 'stepping') this.status.textContent = STATUS[state] ?? '';
  }
}
