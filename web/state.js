// The page's settings and the address bar, kept alike: #place?experiment.param=value&…
// Only what differs from its default is written, so the link of an untouched page stays short. The
// changes of a steered training are one value: experiment.changes=250:lr=0.0003,400:loss=repaired

/** @type {Map<string, string>} "experiment.param" → value */
const values = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();

const LONGEST_INPUT = 4000; // characters

/** An entry of the history that says all settings; a followed link has made one that may not. */
const OURS = { settings: true };

function parse() {
  const [place, query = null] = location.hash.slice(1).split('?');
  try {
    return { place: decodeURIComponent(place), query };
  } catch {
    return { place: '', query }; // a % that means nothing
  }
}

/** Legible: of the characters that URLSearchParams escapes, those that need not be. */
const queryOf = (/** @type {Map<string, string>} */ settings) =>
  new URLSearchParams([...settings].sort())
    .toString()
    .replace(/%3A/g, ':')
    .replace(/%2C/g, ',')
    .replace(/%3D/g, '=')
    .replace(/%3B/g, ';');

/** @param {string} [place] @param {'replaceState' | 'pushState'} [how] */
function write(place = parse().place, how = 'replaceState') {
  const query = queryOf(values);
  const hash = query ? `#${place}?${query}` : place ? `#${place}` : '';
  history[how](OURS, '', hash || location.pathname + location.search);
}

function read() {
  const { query } = parse();
  values.clear();
  for (const [name, value] of new URLSearchParams(query ?? '')) values.set(name, value);
}

/** @typedef {import('./experiments/types.js').Param} Param */

/**
 * What a text means as a value of a parameter; undefined when it is no possible one.
 * @param {Param} param @param {string | undefined} text @returns {number | string | undefined}
 */
function readValue(param, text) {
  if (text === undefined || text === '') return undefined;
  if (param.type === 'choice') {
    return param.choices.find(({ value }) => String(value) === text)?.value;
  }
  const value = Number(text);
  const fits = param.type === 'number' ? Number.isFinite(value) : Number.isInteger(value);
  const within = value >= (param.min ?? -Infinity) && value <= (param.max ?? Infinity);
  return fits && within ? value : undefined;
}

/**
 * A parameter's value, the default where the link says nothing or nothing possible.
 * @param {string} experiment @param {Param} param @returns {number | string}
 */
export const get = (experiment, param) =>
  readValue(param, values.get(`${experiment}.${param.name}`)) ?? param.default;

/** @param {string} experiment @param {Param} param @param {number | string} value */
function put(experiment, param, value) {
  const name = `${experiment}.${param.name}`;
  if (value === param.default) values.delete(name);
  else values.set(name, String(value));
}

/**
 * A new entry in the history, so that Back undoes it.
 * @param {string} experiment @param {Param} param @param {number | string} value
 */
export function set(experiment, param, value) {
  put(experiment, param, value);
  write(undefined, 'pushState');
}

/** @typedef {import('./experiments/types.js').Change} Change */
/** @typedef {{ id: string, params: Param[] }} Settable an experiment, as far as its settings go */

/** What the link says of a run's changes, in order. @param {Settable} experiment @returns {Change[]} */
function changesOf({ id, params }) {
  const text = values.get(`${id}.changes`);
  if (!text) return [];
  return text
    .split(',')
    .flatMap((part) => {
      const [, step, name, written] = /^(\d{1,12}):(\w+)=(.+)$/.exec(part) ?? [];
      const param = params.find((one) => one.live && one.name === name);
      const value = param && readValue(param, written);
      return value === undefined ? [] : [{ step: Number(step), name, value }];
    })
    .sort((a, b) => a.step - b.step);
}

/** @param {string} id of the experiment @param {Change[]} changes */
export function setChanges(id, changes) {
  putChanges(id, changes);
  write();
}

/** @param {string} id @param {Change[]} changes */
function putChanges(id, changes) {
  const text = changes.map(({ step, name, value }) => `${step}:${name}=${value}`).join();
  if (text) values.set(`${id}.changes`, text);
  else values.delete(`${id}.changes`);
}

/**
 * The visitor's own input of an experiment, as 1,2;3,4: a step and the next.
 * @param {string} id of the experiment @returns {number[][] | null} null: none, or nothing possible
 */
export function inputOf(id) {
  const text = values.get(`${id}.input`);
  if (!text || text.length > LONGEST_INPUT) return null;
  const input = text.split(';').map((row) => row.split(',').map((part) => Number(part || 'no')));
  return input.flat().every(Number.isFinite) ? input : null;
}

/** @param {string} id of the experiment @param {number[][] | null} input null: its own */
export function setInput(id, input) {
  if (input) values.set(`${id}.input`, input.map(String).join(';'));
  else values.delete(`${id}.input`);
  write();
}

/**
 * All parameters of an experiment, and the changes of a steered run.
 * @param {Settable} experiment @returns {import('./experiments/types.js').Values}
 */
export function paramsOf(experiment) {
  const { id, params } = experiment;
  const settings = Object.fromEntries(params.map((param) => [param.name, get(id, param)]));
  const changes = changesOf(experiment);
  return changes.length > 0 ? { ...settings, changes } : settings;
}

/** Takes over all of them at once. @param {Settable} experiment @param {import('./experiments/types.js').Values} settings */
export function setAll({ id, params }, settings) {
  for (const param of params) put(id, param, settings[param.name] ?? param.default);
  putChanges(id, settings.changes ?? []);
  write(undefined, 'pushState');
  for (const listener of listeners) listener();
}

/** The link of one experiment with its settings alone. @param {string} id */
export function linkTo(id) {
  const own = new Map([...values].filter(([name]) => name.startsWith(`${id}.`)));
  const query = queryOf(own);
  return `${location.href.split('#')[0]}#${id}${query ? `?${query}` : ''}`;
}

/** @param {() => void} listener told when a link brought other settings */
export function onChange(listener) {
  listeners.add(listener);
}

/** Scrolls to the place that the address names. */
export function goToPlace() {
  const { place } = parse();
  const target = place && document.getElementById(place);
  // At once: while it scrolled smoothly, what loads above would move the place away.
  if (target) target.scrollIntoView({ behavior: 'instant' });
}

read();
history.replaceState(OURS, '');
addEventListener('hashchange', () => {
  const { place, query } = parse();
  const followed = history.state === null; // a link, not Back or Forward
  if (followed && query === null) {
    write(place); // a link within the page: the settings stay
    return;
  }
  read();
  if (followed) history.replaceState(OURS, '');
  for (const listener of listeners) listener();
  if (followed) goToPlace();
});
