// The page's settings and the address bar, kept alike: #place?experiment.param=value&…
// Only what differs from its default is written, so the link of an untouched page stays short.

/** @type {Map<string, string>} "experiment.param" → value */
const values = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();

function parse() {
  const [place, query = null] = location.hash.slice(1).split('?');
  return { place: decodeURIComponent(place), query };
}

function write(place = parse().place) {
  const query = new URLSearchParams([...values].sort()).toString();
  const hash = query ? `#${place}?${query}` : place ? `#${place}` : '';
  history.replaceState(history.state, '', hash || location.pathname + location.search);
}

function read() {
  const { query } = parse();
  values.clear();
  for (const [name, value] of new URLSearchParams(query ?? '')) values.set(name, value);
}

/** @typedef {import('./experiments/types.js').Param} Param */

/**
 * A parameter's value, the default where the link says nothing or nothing possible.
 * @param {string} experiment @param {Param} param @returns {number | string}
 */
export function get(experiment, param) {
  const text = values.get(`${experiment}.${param.name}`);
  if (text === undefined) return param.default;
  if (param.type === 'choice') {
    return param.choices.find(({ value }) => String(value) === text)?.value ?? param.default;
  }
  const value = Number(text);
  const whole = param.type === 'number' ? Number.isFinite(value) : Number.isInteger(value);
  const fits = whole && value >= (param.min ?? -Infinity);
  return text !== '' && fits && value <= (param.max ?? Infinity) ? value : param.default;
}

/** @param {string} experiment @param {Param} param @param {number | string} value */
export function set(experiment, param, value) {
  const name = `${experiment}.${param.name}`;
  if (value === param.default) values.delete(name);
  else values.set(name, String(value));
  write();
}

/** All parameters of an experiment. @param {{ id: string, params: Param[] }} experiment */
export function paramsOf({ id, params }) {
  return Object.fromEntries(params.map((param) => [param.name, get(id, param)]));
}

/** @param {() => void} listener told when a link brought other settings */
export function onChange(listener) {
  listeners.add(listener);
}

/** Scrolls to the place that the address names. */
export function goToPlace() {
  const { place } = parse();
  const target = place && document.getElementById(place);
  if (target) target.scrollIntoView();
}

read();
addEventListener('hashchange', () => {
  const { place, query } = parse();
  if (query === null) {
    write(place); // a link within the page: the settings stay
    return;
  }
  read();
  for (const listener of listeners) listener();
  goToPlace();
});
