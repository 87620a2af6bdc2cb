// Offers a run that was saved: after a reload, a crash, or other settings.

import { element } from './dom.js';
import { settingsText } from './settings.js';
import { count, duration } from './text.js';

export class Offer {
  /**
   * @param {import('./experiments/types.js').Training} experiment
   * @param {{ goOn: () => void, forget: () => void }} actions
   */
  constructor(experiment, { goOn, forget }) {
    this.experiment = experiment;
    this.text = element('p');
    const button = (/** @type {string} */ label, /** @type {() => void} */ act) => {
      const onclick = () => {
        this.hide();
        act();
      };
      return element('button', { type: 'button', class: 'button quiet', onclick }, label);
    };
    this.node = element(
      'div',
      { class: 'offer', hidden: true },
      this.text,
      element(
        'div',
        { class: 'buttons' },
        button('Go on from there', goOn),
        button('Forget it', forget),
      ),
    );
  }

  /** @param {import('./saved.js').SavedRun} saved */
  show({ params, done, totalSteps, at }) {
    const ago = duration((Date.now() - at) / 1000);
    const where = `step ${count(done)} of ${count(totalSteps)}`;
    const settings = settingsText(this.experiment, params);
    this.text.textContent = `A run of ${ago} ago is saved in this browser, at ${where}: ${settings}.`;
    this.node.hidden = false;
  }

  hide() {
    this.node.hidden = true;
  }
}
