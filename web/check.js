// A check on the page: runs when it comes near the screen, and again when a setting changes; shows the
// notebook's numbers beside ours, then the pictures.

import { announce } from './announce.js';
import { createControls } from './controls.js';
import { element, whenNear } from './dom.js';
import { createHeatmap } from './heatmap.js';
import { createLook } from './look.js';
import { createSeries } from './series.js';
import { paramsOf } from './state.js';
import { comparison, dataBehind, plainTable } from './tables.js';
import { overall, overallBadge, sentence } from './verdict.js';
import { Warnings } from './warnings.js';

const ROWS_SHOWN = 16; // longer tables are folded away

/**
 * What check.js and training.js make.
 * @typedef {object} Card
 * @property {HTMLElement} node
 * @property {() => Promise<import('./experiments/types.js').Row[] | null>} run
 */

/**
 * The words that every experiment opens with, and its settings.
 * @param {{ id: string, title: string, summary: string, watch: string }} experiment
 * @param {...(Node | null)} more
 */
export function intro({ id, title, summary, watch }, ...more) {
  return element(
    'div',
    { class: 'intro' },
    element('h3', { id: `${id}-title` }, title),
    element('p', {}, summary),
    watch ? element('p', { class: 'watch' }, element('b', {}, 'Watch: '), watch) : null,
    ...more,
  );
}

/** @param {import('./experiments/types.js').Outcome} outcome @param {string} title */
function results({ rows, tables = [], series = [], matrices = [] }, title) {
  const pictures = matrices.length > 0 ? element('div', { class: 'matrices' }) : null;
  pictures?.append(...matrices.map((matrix) => createHeatmap(matrix).node));
  return [
    comparison(rows, `${title}: the notebook’s numbers and the ones computed here`),
    ...series.map((one) => createSeries(one).node),
    ...(pictures ? [pictures] : []),
    ...tables.map((table) =>
      table.rows.length > ROWS_SHOWN
        ? dataBehind(table.title, () => plainTable(table, false))
        : plainTable(table),
    ),
  ];
}

/**
 * @param {import('./descriptions.js').Described} experiment
 * @param {import('./engine.js').Engine} engine
 * @param {(verdict: string) => void} onVerdict
 * @returns {Card}
 */
export function createCheck(experiment, engine, onVerdict) {
  const { id, title, looks, equations } = experiment;
  const warnings = new Warnings();
  const maths = element('div', {
    class: 'maths',
    tabindex: 0,
    role: 'group',
    'aria-label': 'Equations',
  });
  maths.innerHTML = equations.join(''); // written when the page was built
  const look = looks
    ? createLook({
        id,
        title,
        ask: async (input) => {
          const { warnings: said, ...inside } = await engine.call(
            'look',
            id,
            paramsOf(experiment),
            input,
          );
          warnings.add(said);
          return inside;
        },
      })
    : null;
  const badge = element('p', { class: 'card-badge' });
  const output = element('div', { class: 'results', 'aria-busy': 'true' });
  let asked = '';
  /** @type {Promise<any> | null} */
  let answer = null;

  const run = () => {
    const params = paramsOf(experiment);
    const question = JSON.stringify(params);
    if (answer && question === asked) return answer;
    asked = question;
    look?.refresh();
    node.dataset.state = 'running';
    output.setAttribute('aria-busy', 'true');
    answer = engine.call('check', id, params).then(
      (outcome) => {
        if (question !== asked) return null; // a newer one is on its way
        badge.replaceChildren(overallBadge(outcome.rows));
        warnings.add(outcome.warnings);
        output.replaceChildren(warnings.node, ...results(outcome, title));
        onVerdict(overall(outcome.rows));
        done('done');
        return outcome.rows;
      },
      (error) => {
        if (question !== asked) return null;
        badge.replaceChildren();
        output.replaceChildren(element('p', { class: 'failure', role: 'alert' }, error.message));
        onVerdict('differs');
        answer = null; // it may be tried again
        done('failed');
        return null;
      },
    );
    return answer;
  };
  const done = (/** @type {string} */ state) => {
    node.dataset.state = state;
    output.setAttribute('aria-busy', 'false');
  };

  const { node: controls } = createControls(experiment, async () => {
    // Not on the screen yet, or nothing new.
    if (!answer || JSON.stringify(paramsOf(experiment)) === asked) return;
    const rows = await run();
    if (rows) announce(`${title}: ${sentence(rows)}.`);
  });
  const node = element(
    'article',
    { class: 'experiment', id, 'aria-labelledby': `${id}-title`, 'data-kind': 'check' },
    intro(experiment, controls, badge),
    element(
      'div',
      { class: 'body' },
      equations.length > 0 ? maths : null,
      look?.node ?? null,
      output,
    ),
  );
  whenNear(node, run);
  return { node, run };
}
