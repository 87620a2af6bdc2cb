// What a visitor may take home, and bring: the weights as a file, the run as a program or as a link.

import { announce } from './announce.js';
import { element } from './dom.js';
import { linkTo, paramsOf } from './state.js';

const LARGEST = 256 * 2 ** 20; // bytes of a weights file

/** @param {string} name @param {Uint8Array<ArrayBuffer>} bytes */
function download(name, bytes) {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  const link = element('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser has taken it by then
}

/**
 * @typedef {object} Actions
 * @property {() => Promise<Uint8Array<ArrayBuffer>>} weights
 * @property {(bytes: Uint8Array, name: string) => Promise<void>} take all or nothing
 */

export class Takeaway {
  /**
   * @param {import('./experiments/types.js').Training} experiment
   * @param {Actions} actions
   */
  constructor(experiment, actions) {
    this.experiment = experiment;
    this.actions = actions;
    const { id } = experiment;
    this.said = element('p', { class: 'said' });
    this.shown = element('div', { class: 'copied' });
    this.file = /** @type {HTMLInputElement} */ (
      element('input', {
        type: 'file',
        class: 'unseen',
        id: `${id}-file`,
        accept: '.safetensors',
        tabindex: -1,
        'aria-label': 'A file of weights',
        onchange: () => this.takeFiles(this.file.files),
      })
    );
    const button = (/** @type {string} */ label, /** @type {() => unknown} */ act) =>
      element('button', { type: 'button', class: 'button quiet', onclick: act }, label);
    this.node = element(
      'div',
      { class: 'takeaway' },
      element('h4', {}, 'Take it away'),
      element(
        'div',
        { class: 'buttons' },
        button('Save weights', () => this.save()),
        button('Load weights…', () => this.file.click()),
        button('Copy as PyTorch', () => this.copyCode('python')),
        button('Copy as JavaScript', () => this.copyCode('javascript')),
        button('Copy link', () => this.copy('The link of this run', linkTo(id))),
        this.file,
      ),
      element(
        'p',
        { class: 'hint' },
        'Weights are .safetensors with PyTorch’s names; a file may also be dropped on this box.',
      ),
      this.said,
      this.shown,
    );
  }

  /** @param {string} sentence @param {boolean} [wrong] */
  say(sentence, wrong = false) {
    this.said.textContent = sentence;
    this.said.classList.toggle('failure', wrong);
    if (sentence) announce(sentence);
  }

  async save() {
    try {
      const bytes = await this.actions.weights();
      const name = `${this.experiment.id}.safetensors`;
      download(name, bytes);
      this.say(`Saved as ${name}.`);
    } catch (error) {
      this.say(`The weights could not be saved: ${error.message}`, true);
    }
  }

  /** A box that takes a file which is dropped on it. @param {HTMLElement} box */
  acceptDrops(box) {
    const isFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files');
    box.addEventListener('dragover', (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      box.classList.add('dropping');
    });
    box.addEventListener('dragleave', (event) => {
      if (!box.contains(/** @type {Node} */ (event.relatedTarget)))
        box.classList.remove('dropping');
    });
    box.addEventListener('drop', (event) => {
      box.classList.remove('dropping');
      if (!isFile(event)) return;
      event.preventDefault();
      this.takeFiles(event.dataTransfer.files);
    });
  }

  /** @param {FileList | null} files */
  async takeFiles(files) {
    if (!files || files.length === 0) return;
    const [file] = files;
    try {
      if (files.length > 1) throw new Error(`one file at a time, not ${files.length}.`);
      if (file.size > LARGEST) throw new Error('it is larger than 256 MB.');
      await this.actions.take(new Uint8Array(await file.arrayBuffer()), file.name);
      this.say(`The weights of ${file.name} are in. The link cannot hold them.`);
    } catch (error) {
      this.say(`${file.name} was not taken, nothing has changed: ${error.message}`, true);
    }
    this.file.value = ''; // the same file may come again
  }

  /** @param {'python' | 'javascript'} language */
  copyCode(language) {
    const text = this.experiment.code(paramsOf(this.experiment))[language];
    return this.copy(`The ${language === 'python' ? 'PyTorch' : 'JavaScript'} program`, text);
  }

  /** To the clipboard, and to be seen: a clipboard may be refused. @param {string} what @param {string} text */
  async copy(what, text) {
    const area = /** @type {HTMLTextAreaElement} */ (
      element('textarea', { readonly: true, spellcheck: 'false', rows: 12, 'aria-label': what })
    );
    area.value = text;
    area.rows = Math.min(16, text.split('\n').length);
    this.shown.replaceChildren(
      area,
      element(
        'button',
        { type: 'button', class: 'link', onclick: () => this.shown.replaceChildren() },
        'close',
      ),
    );
    try {
      await navigator.clipboard.writeText(text);
      this.say(`${what} is in the clipboard.`);
    } catch {
      area.select();
      this.say(`${what} is below, marked: copy it from there.`);
    }
  }
}
