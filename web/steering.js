// The changes that a run takes on its way, and the way to be rid of them.

import { element } from './dom.js';
import { said } from './settings.js';
import { count } from './text.js';

export class Steering {
  /** @param {import('./experiments/types.js').Training} experiment @param {() => void} onForget */
  constructor(experiment, onForget) {
    this.params = experiment.params;
    this.onForget = onForget;
    this.node = element('div', { class: 'steering', hidden: true });
  }

  /** @param {import('./experiments/types.js').Change[]} changes @param {boolean} mayForget */
  show(changes, mayForget) {
    this.node.hidden = changes.length === 0;
    const lines = changes.map(({ step, name, value }) => {
      const param = this.params.find((one) => one.name === name);
      const text = `${param.label.toLowerCase()} ${said(param, value)}`;
      return element('li', {}, `after step ${count(step)}: ${text}`);
    });
    const forget = element(
      'button',
      { type: 'button', class: 'link', onclick: this.onForget },
      'forget these changes',
    );
    this.node.replaceChildren(
      element('p', {}, 'Changed on the way; the link repeats it:'),
      element('ol', {}, ...lines),
      ...(mayForget ? [forget] : []),
    );
  }
}
