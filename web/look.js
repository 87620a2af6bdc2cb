// A look inside a network: its input to be changed, its answer at once, and every number in between. It
// knows neither notebooks nor networks, only the plain data of a Look.

import { announce } from './announce.js';
import { Clock } from './clock.js';
import { element, setText } from './dom.js';
import { createHeatmap } from './heatmap.js';
import { oncePerFrame } from './paint.js';
import { createReach } from './reach.js';
import { isPossible, ReadingEditor } from './reading.js';
import { Scrubber } from './scrubber.js';
import { createSeries } from './series.js';
import { createSquare } from './square.js';
import { inputOf, onChange, setInput } from './state.js';
import { minus } from './text.js';

/** @typedef {import('./experiments/types.js').Look} Look */

const MOST_PICTURES = 6; // at once; the rest is folded away
const REST = 400; // ms without an edit, then the link has the input

/** Whether an input that a link brought is one for this network. @param {number[][]} input @param {import('./experiments/types.js').Reading} own */
function fits(input, { features, values, length = [values.length, values.length] }) {
  return (
    input.length >= length[0] &&
    input.length <= length[1] &&
    input.every((row) => row.length === features.length && row.every(isPossible))
  );
}

/**
 * Parts that stay while their data change, as long as there are the same ones.
 * @template Data
 * @param {HTMLElement} place
 * @param {(data: Data) => string} nameOf
 * @param {(data: Data) => { node: HTMLElement, update: (data: Data) => void }} make
 * @returns {(all: Data[]) => void}
 */
function keep(place, nameOf, make) {
  let names = '';
  /** @type {{ node: HTMLElement, update: (data: Data) => void }[]} */
  let parts = [];
  return (all) => {
    const now = all.map(nameOf).join('\n');
    if (now !== names) {
      names = now;
      parts = all.map(make);
      place.replaceChildren(...parts.map(({ node }) => node));
    }
    parts.forEach((part, i) => {
      part.update(all[i]);
    });
  };
}

/**
 * @param {object} options
 * @param {string} options.id of the experiment
 * @param {string} options.title of the experiment
 * @param {(input?: number[][]) => Promise<Look | null>} options.ask null: there is nothing to look at now
 * @param {(input: number[][]) => Promise<string>} [options.predict] the first answer alone, where all of
 *   the rest takes longer
 * @returns {{ node: HTMLElement, refresh: () => Promise<void> }} refresh: the network may be another
 */
export function createLook({ id, title, ask, predict }) {
  const clock = new Clock();
  /** @type {number[][] | null} the visitor's input; null: the experiment's own */
  let edited = null;
  let linked = inputOf(id);
  let timer = 0;
  let mention = false; // the newest answer is one that the visitor asked for
  let asking = false;
  let again = false;
  /** @type {Look | null} */
  let newest = null;

  const editor = new ReadingEditor(clock, (values) => {
    edited = values;
    linked = null;
    mention = true;
    clearTimeout(timer);
    timer = window.setTimeout(() => setInput(id, edited), REST);
    if (edited && predict) first(edited);
    refresh();
  });
  onChange(() => {
    const input = inputOf(id);
    if (String(input) === String(edited)) return;
    edited = null;
    linked = input;
    if (newest) refresh();
  });
  const answers = element('dl', { class: 'answers' });
  const showAnswers = keep(
    answers,
    (/** @type {Look['answers'][number]} */ { label }) => label,
    ({ label }) => {
      const said = element('dd');
      return {
        node: element('div', {}, element('dt', {}, label), said),
        update: ({ value }) => setText(said, minus(value)),
      };
    },
  );
  const scrubber = new Scrubber(clock);
  const box = (/** @type {string} */ name) => element('div', { class: name });
  const places = {
    square: box('look-square'),
    reach: box('look-reach'),
    series: box('look-series'),
  };
  const pictures = box('matrices');
  const more = box('matrices');
  const moreLabel = element('summary', {});
  const moreBox = element('details', { class: 'data more' }, moreLabel, more);
  const failure = box('look-failure');

  const heatmaps = (/** @type {HTMLElement} */ place) =>
    keep(
      place,
      (/** @type {import('./experiments/types.js').Matrix} */ { title: name, time, rowLabel }) =>
        `${name} ${time} ${rowLabel}`,
      (matrix) => createHeatmap(matrix, clock),
    );
  const showPictures = heatmaps(pictures);
  const showMore = heatmaps(more);
  const showSeries = keep(
    places.series,
    (/** @type {import('./experiments/types.js').Series} */ series) =>
      [series.title, ...series.lines.map(({ label }) => label)].join(),
    (series) => createSeries(series, clock),
  );
  const showReach = keep(
    places.reach,
    (/** @type {import('./experiments/types.js').Reach[]} */ all) =>
      all.map(({ label }) => label).join(),
    (all) => createReach(all, clock),
  );
  const showSquare = keep(
    places.square,
    () => 'square',
    () => createSquare(clock),
  );

  const draw = oncePerFrame(() => {
    const { input, unrolling, matrices = [], series = [], reach, square } = newest;
    const first = node.dataset.state !== 'shown';
    clock.resize(input.values.length);
    if (first && reach) clock.go(input.values.length - 1);
    // what the visitor has set since then stays
    editor.update(edited ? { ...input, values: edited } : input, edited !== null);
    showAnswers(newest.answers);
    scrubber.node.hidden = !unrolling;
    if (unrolling) scrubber.update(unrolling);
    showSquare(square ? [square] : []);
    showReach(reach ? [reach] : []);
    showSeries(series);
    showPictures(matrices.slice(0, MOST_PICTURES));
    showMore(matrices.slice(MOST_PICTURES));
    moreBox.hidden = matrices.length <= MOST_PICTURES;
    setText(moreLabel, `${matrices.length - MOST_PICTURES} more, weights and gradients among them`);
    node.dataset.state = 'shown';
    if (mention) {
      mention = false;
      const said = newest.answers.map(({ label, value }) => `${label} ${value}`);
      if (said.length > 0) announce(`${title}: ${said.join(', ')}.`);
    }
  });

  /** @param {number[][]} input */
  async function first(input) {
    const value = await predict(input).catch(() => null); // refresh() says why
    const place = answers.querySelector('dd');
    if (value !== null && place && input === edited) place.textContent = minus(value);
  }

  /** One question at a time; of those that come meanwhile only the newest is asked. */
  async function refresh() {
    again = true;
    if (asking) return;
    asking = true;
    try {
      while (again) {
        again = false;
        const look = await ask(edited ?? undefined);
        failure.replaceChildren();
        if (look && linked) {
          // the network's own input says what a linked one must be like
          if (fits(linked, look.input)) edited = linked;
          linked = null;
          if (edited) {
            again = true;
            continue;
          }
        }
        if (look) {
          newest = look;
          draw();
        }
      }
    } catch (error) {
      failure.replaceChildren(element('p', { class: 'failure', role: 'alert' }, error.message));
    } finally {
      asking = false;
    }
  }

  const node = element(
    'section',
    { class: 'look', 'aria-label': `Inside: ${title}` },
    failure,
    element('div', { class: 'look-top' }, editor.node, answers),
    places.square,
    scrubber.node,
    places.reach,
    places.series,
    pictures,
    moreBox,
  );
  return { node, refresh };
}
