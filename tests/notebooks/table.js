// The table of the notebooks: runs every experiment, and writes their rows as text.

import { experiments, notebooks } from '../../web/experiments/index.js';

/** @import { Row, Training, Unrolled, Values } from '../../web/experiments/types.js' */

/**
 * A curve to be drawn in text.
 * @typedef {object} Curve
 * @property {'epoch' | 'step'} unit
 * @property {{ x: number, loss: number }[]} points
 * @property {{ x: number, loss: number }[]} printed  the notebook's
 * @property {number | null} floor
 */

/**
 * One experiment, or one of its variants, run.
 * @typedef {object} Section
 * @property {string} id
 * @property {string} notebook
 * @property {string} title
 * @property {Row[]} rows
 * @property {Curve} [curve]
 * @property {number} steps    of training
 * @property {number} seconds
 */

/**
 * @typedef {object} Progress
 * @property {string} title
 * @property {number} done
 * @property {number} total
 * @property {number} loss          the running mean of the epoch
 * @property {number} stepsPerSecond
 */

/**
 * Runs all experiments, in order. When `signal` aborts it stops after the current step, and what
 * was done so far is the result. An experiment that throws is a row that does not agree.
 * @param {Unrolled} unrolled
 * @param {{ full?: boolean, signal?: AbortSignal, progress?: (at: Progress) => void }} [options]
 * @returns {Promise<Section[]>}
 */
export async function collect(unrolled, { full = false, signal, progress } = {}) {
  /** @type {Section[]} */
  const sections = [];
  for (const experiment of experiments) {
    const { id, notebook } = experiment;
    const runs = experiment.kind === 'check' ? [null] : full ? experiment.full : experiment.short;
    for (const run of runs) {
      if (signal?.aborted) return sections;
      const title = run ? `${experiment.title}: ${run.label}` : experiment.title;
      const section = { id, notebook, title, rows: [], steps: 0, seconds: 0 };
      const started = performance.now();
      try {
        const done =
          experiment.kind === 'check'
            ? experiment.run(unrolled)
            : await train(unrolled, experiment, run, { signal, progress, title });
        Object.assign(section, 'curve' in done ? done : { rows: done.rows });
      } catch (error) {
        section.rows = [failure(error)];
      }
      section.seconds = (performance.now() - started) / 1000;
      sections.push(section);
    }
  }
  return sections;
}

/**
 * @param {Error} error
 * @returns {Row}
 */
const failure = (error) => ({
  what: 'runs to its end',
  printed: null,
  computed: error.name,
  agrees: false,
  digits: null,
  note: error.message,
});

/**
 * @param {Unrolled} unrolled
 * @param {Training} experiment
 * @param {{ values: Values, steps?: number }} run  all steps when `steps` is left out
 * @param {{ signal?: AbortSignal, progress?: (at: Progress) => void, title: string }} options
 */
async function train(unrolled, experiment, run, { signal, progress, title }) {
  const session = experiment.create(unrolled, run.values);
  try {
    const total = Math.min(run.steps ?? session.totalSteps, session.totalSteps);
    /** @type {number[]} */
    const losses = [];
    /** @type {number[]} */
    const epochs = [];
    try {
      for await (const { epoch, loss, epochLoss, stepsPerSecond } of session.fit({ signal })) {
        losses.push(loss);
        epochs[epoch] = epochLoss;
        progress?.({ title, done: losses.length, total, loss: epochLoss, stepsPerSecond });
        if (losses.length >= total) break;
      }
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
    const byEpoch = losses.length >= 2 * session.stepsPerEpoch;
    const { printed, floor } = session;
    return {
      rows: session.rows(),
      steps: losses.length,
      curve: {
        unit: byEpoch ? 'epoch' : 'step',
        points: (byEpoch ? epochs : losses).map((loss, x) => ({ x, loss })),
        printed:
          byEpoch && printed ? printed.epoch.map((x, k) => ({ x, loss: printed.loss[k] })) : [],
        floor: floor ? floor.value : null,
      },
    };
  } finally {
    session.dispose();
  }
}

/**
 * How the rows came out.
 * @param {Section[]} sections
 */
export function count(sections) {
  const rows = sections.flatMap((section) => section.rows);
  /** @param {boolean | null} agrees */
  const of = (agrees) => rows.filter((row) => row.agrees === agrees).length;
  return { rows: rows.length, agree: of(true), disagree: of(false), impossible: of(null) };
}

// ---- As text ------------------------------------------------------------------------------------

const WIDTH = 120;
const COLUMNS = [43, 28, 28, 15]; // what, printed, computed, agrees; a space between, two before

const PLAIN = { bold: identity, dim: identity, good: identity, bad: identity };
/** @param {number} code @returns {(text: string) => string} */
const sgr = (code) => (text) => `\x1b[${code}m${text}\x1b[0m`;
const COLOURS = { bold: sgr(1), dim: sgr(2), good: sgr(32), bad: sgr(31) };

/** @param {string} text */
function identity(text) {
  return text;
}

/**
 * The table, 120 columns wide, grouped by notebook; under the rows of a training, its curve.
 * @param {Section[]} sections
 * @param {{ colour?: boolean }} [options]
 * @returns {string}
 */
export function format(sections, { colour = false } = {}) {
  const style = colour ? COLOURS : PLAIN;
  const lines = [
    style.bold(cells(['', 'in the notebook', 'computed here', 'agrees'])),
    '─'.repeat(WIDTH),
  ];
  for (const { id, title } of notebooks) {
    const here = sections.filter(({ notebook }) => notebook === id);
    if (here.length === 0) continue;
    lines.push(style.bold(`Notebook ${id}: ${title}`), '');
    for (const section of here) {
      lines.push(`  ${style.bold(section.id)}  ${section.title}`);
      for (const row of section.rows) lines.push(...rowLines(row, style));
      if (section.curve?.points.length > 1) lines.push('', ...chart(section.curve));
      if (section.steps > 0) lines.push('', `    ${pace(section)}`);
      lines.push('');
    }
    lines.push('─'.repeat(WIDTH));
  }
  if (sections.some(({ rows }) => rows.some(({ recorded }) => recorded))) {
    lines.push('* not printed in the notebook: recorded from PyTorch or NumPy with the same seed');
  }
  lines.push(summary(sections));
  return lines.join('\n');
}

/** How long a training took. @param {{ steps: number, seconds: number }} section */
function pace({ steps, seconds }) {
  const each = ((1000 * seconds) / steps).toPrecision(3);
  return `${steps.toLocaleString('en')} steps in ${duration(seconds)}, ${each} ms a step`;
}

/** @param {Section[]} sections */
export function summary(sections) {
  const { rows, agree, disagree, impossible } = count(sections);
  const seconds = sections.reduce((sum, section) => sum + section.seconds, 0);
  const steps = sections.reduce((sum, section) => sum + section.steps, 0);
  return (
    `${rows} rows: ${agree} agree, ${disagree} do not, ${impossible} cannot be reproduced. ` +
    `${steps.toLocaleString('en')} training steps; ${duration(seconds)} in all.`
  );
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  return minutes < 60
    ? `${minutes} min ${rest} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {string[]} texts */
const cells = (texts) => `  ${texts.map((text, k) => text.padEnd(COLUMNS[k])).join(' ')}`.trimEnd();

/**
 * @param {Row} row
 * @param {typeof PLAIN} style
 */
function rowLines(row, style) {
  const { what, printed, recorded, computed, agrees, digits, note } = row;
  const verdict =
    agrees === null
      ? style.dim('not possible')
      : agrees
        ? style.good(
            digits === null ? 'yes' : `yes, ${digits} ${digits === 1 ? 'digit' : 'digits'}`,
          )
        : style.bad(digits === null ? 'NO' : `NO, ${digits} ${digits === 1 ? 'digit' : 'digits'}`);
  const columns = [what, recorded ? `${recorded} *` : (printed ?? '–'), computed].map((text, k) =>
    wrap(text, COLUMNS[k] - (k === 0 ? 2 : 0)),
  );
  const height = Math.max(...columns.map((column) => column.length));
  const lines = Array.from({ length: height }, (_, at) =>
    cells([`  ${columns[0][at] ?? ''}`, columns[1][at] ?? '', columns[2][at] ?? '', '']).padEnd(
      at === 0 ? COLUMNS[0] + COLUMNS[1] + COLUMNS[2] + 5 : 0,
    ),
  );
  lines[0] += verdict;
  if (agrees !== true) {
    for (const line of wrap(note, WIDTH - 6)) lines.push(style.dim(`      ${line}`));
  }
  return lines;
}

/**
 * Breaks a text at spaces.
 * @param {string} text
 * @param {number} width
 */
export function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}

/**
 * A curve of dots, the notebook's as circles behind it, the floor as a line.
 * @param {Curve} curve
 */
function chart({ unit, points, printed, floor }) {
  const [width, height] = [60, 8];
  const last = points[points.length - 1].x;
  const columns = Math.min(width, points.length);
  const stride = Math.floor(width / columns);
  /** @param {{ x: number, loss: number }[]} list */
  const columnsOf = (list) => {
    /** @type {number[][]} */
    const inColumn = Array.from({ length: columns }, () => []);
    for (const { x, loss } of list) {
      if (x <= last) inColumn[Math.floor((x * columns) / (last + 1))].push(loss);
    }
    return inColumn.map((losses) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length);
  };
  const live = columnsOf(points);
  const notebook = columnsOf(printed);
  const shown = [...live, ...notebook].filter((loss) => !Number.isNaN(loss));
  const top = Math.max(...shown);
  // down to zero, unless all of it lies in the upper half
  const bottom = Math.min(...shown) > top / 2 ? Math.min(...shown) : 0;
  /** @param {number} loss */
  const line = (loss) => Math.round(((top - loss) / (top - bottom || 1)) * (height - 1));
  const grid = Array.from({ length: height }, () => Array(columns * stride).fill(' '));
  if (floor !== null && floor >= bottom && floor <= top) grid[line(floor)].fill('─');
  notebook.forEach((loss, k) => {
    if (!Number.isNaN(loss)) grid[line(loss)][k * stride] = '○';
  });
  live.forEach((loss, k) => {
    if (Number.isNaN(loss)) return;
    const row = grid[line(loss)];
    row[k * stride] = row[k * stride] === '○' ? '◉' : '●';
  });
  const labels = grid.map((_, at) =>
    at === 0 || at === height - 1 ? Math.round(at === 0 ? top : bottom).toLocaleString('en') : '',
  );
  const margin = Math.max(...labels.map((label) => label.length));
  const legend = [
    `mean loss by ${unit}: ● here`,
    ...(printed.length > 0 ? ['○ notebook, ◉ both'] : []),
    ...(floor === null ? [] : ['─ the best a broadcast loss allows']),
  ];
  return [
    `      ${legend.join(', ')}`,
    ...grid.map((row, at) => `      ${labels[at].padStart(margin)} │${row.join('').trimEnd()}`),
    `      ${' '.repeat(margin)} └${'─'.repeat(columns * stride)}`,
    `      ${' '.repeat(margin)}  0${`${last}`.padStart(columns * stride - 1)} ${unit}`,
  ];
}
