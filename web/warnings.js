// What the library warned of, said once each beside the experiment.

import { element } from './dom.js';

export class Warnings {
  constructor() {
    this.node = element('div', { class: 'warnings' });
    this.clear();
  }

  clear() {
    /** @type {Set<string>} */
    this.said = new Set();
    this.node.replaceChildren();
  }

  /** @param {string[]} sentences */
  add(sentences) {
    for (const sentence of sentences) {
      if (this.said.has(sentence)) continue;
      this.said.add(sentence);
      this.node.append(
        element('p', { class: 'warning' }, element('b', {}, 'The library warns: '), sentence),
      );
    }
  }
}
