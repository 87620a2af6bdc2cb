// The form of an experiment's parameters. What is set here is in the address bar at once. A training's
// form says of each parameter whether it acts at once or begins the run anew.

import { element } from './dom.js';
import { get, onChange, set } from './state.js';
import { number } from './text.js';

/** @typedef {import('./experiments/types.js').Param} Param */
/** @typedef {number | string} Value */
/**
 * @typedef {{ node: HTMLElement, show: (value: Value) => void }} Field
 * @typedef {(value: Value) => void} Take
 */

const SEGMENTS = 3; // up to so many choices lie side by side, more become a list

/** The steps of a slider: 1, 2, 5 in each power of ten. */
const LADDER = [-6, -5, -4, -3, -2, -1].flatMap((power) =>
  [1, 2, 5].map((factor) => Number(`${factor}e${power}`)),
);

/** @param {string} id @param {Param} param @param {Take} take @returns {Field} */
function integer(id, param, take) {
  let shown = '';
  const input = /** @type {HTMLInputElement} */ (
    element('input', {
      id: `${id}-${param.name}`,
      type: 'number',
      inputmode: 'numeric',
      min: param.min,
      max: param.max,
      step: 1,
      autocomplete: 'off',
    })
  );
  input.addEventListener('change', () => {
    if (input.value && input.checkValidity()) take(input.valueAsNumber);
    else input.value = shown;
  });
  const label = element('label', { for: input.id }, param.label);
  return {
    node: element('div', { class: 'field' }, label, input),
    show(value) {
      shown = String(value);
      if (input.value !== shown) input.value = shown;
    },
  };
}

/** Over powers of ten: a slider for the hand, a text for the exact value. @param {string} id @param {Param} param @param {Take} take @returns {Field} */
function magnitude(id, param, take) {
  let shown = '';
  const text = /** @type {HTMLInputElement} */ (
    element('input', {
      id: `${id}-${param.name}`,
      type: 'text',
      inputmode: 'decimal',
      size: 8,
      autocomplete: 'off',
    })
  );
  const slider = /** @type {HTMLInputElement} */ (
    element('input', {
      type: 'range',
      min: 0,
      max: LADDER.length - 1,
      step: 1,
      'aria-label': `${param.label}, slider`,
      autocomplete: 'off',
    })
  );
  text.addEventListener('change', () => {
    const value = Number(text.value.trim().replace(',', '.'));
    if (text.value.trim() && value >= param.min && value <= param.max) take(value);
    else text.value = shown;
  });
  slider.addEventListener('input', () => {
    const value = LADDER[slider.valueAsNumber];
    text.value = String(value);
    slider.setAttribute('aria-valuetext', number(value));
  });
  slider.addEventListener('change', () => take(LADDER[slider.valueAsNumber]));
  const label = element('label', { for: text.id }, param.label);
  return {
    node: element('div', { class: 'field magnitude' }, label, element('div', {}, text, slider)),
    show(value) {
      shown = String(value);
      if (text.value !== shown) text.value = shown;
      const distance = (/** @type {number} */ step) => Math.abs(Math.log(step / Number(value)));
      const near = LADDER.reduce((a, b) => (distance(b) < distance(a) ? b : a));
      slider.value = String(LADDER.indexOf(near));
      slider.setAttribute('aria-valuetext', number(Number(value)));
    },
  };
}

/** @param {string} id @param {Param} param @param {Take} take @returns {Field} */
function segments(id, param, take) {
  const inputs = param.choices.map(
    ({ value }) =>
      /** @type {HTMLInputElement} */ (
        element('input', {
          type: 'radio',
          name: `${id}-${param.name}`,
          value,
          onchange: () => take(value),
        })
      ),
  );
  const labels = param.choices.map(({ label }, i) =>
    element('label', {}, inputs[i], element('span', {}, label)),
  );
  const legend = element('legend', {}, param.label);
  return {
    node: element('fieldset', { class: 'field segments' }, legend, element('div', {}, ...labels)),
    show(value) {
      for (const input of inputs) input.checked = input.value === String(value);
    },
  };
}

/** @param {string} id @param {Param} param @param {Take} take @returns {Field} */
function list(id, param, take) {
  const options = param.choices.map(({ value, label }) => element('option', { value }, label));
  const select = /** @type {HTMLSelectElement} */ (
    element('select', { id: `${id}-${param.name}`, autocomplete: 'off' }, ...options)
  );
  select.addEventListener('change', () => take(param.choices[select.selectedIndex].value));
  const label = element('label', { for: select.id }, param.label);
  return {
    node: element('div', { class: 'field' }, label, select),
    show(value) {
      select.value = String(value);
    },
  };
}

/** @param {Param} param */
function kindOf({ type, choices }) {
  if (type === 'int') return integer;
  if (type === 'number') return magnitude;
  return choices.length <= SEGMENTS ? segments : list;
}

/**
 * @param {{ id: string, title: string, params: Param[] }} experiment
 * @param {() => void} changed a setting, or a link that brought others
 * @param {(param: Param, value: Value) => boolean} [steer] true: it was taken care of, the setting
 *   stays what it was
 * @returns {{ node: HTMLElement | null, show: (values?: Record<string, Value>) => void }}
 *   null: nothing to set. show() shows the settings, or the values given instead.
 */
export function createControls({ id, title, params }, changed, steer = () => false) {
  if (params.length === 0) return { node: null, show() {} };
  const fields = params.map((param) => {
    const take = (/** @type {Value} */ value) => {
      if (steer(param, value)) return;
      set(id, param, value);
      changed();
    };
    return { param, ...kindOf(param)(id, param, take) };
  });
  const show = (/** @type {Record<string, Value>} */ values = {}) => {
    for (const field of fields) field.show(values[field.param.name] ?? get(id, field.param));
  };
  show();
  onChange(() => {
    show();
    changed();
  });
  const form = (/** @type {string} */ legend, /** @type {typeof fields} */ some, seen = true) =>
    element(
      'fieldset',
      { class: 'controls' },
      element('legend', { class: seen ? null : 'unseen' }, legend),
      ...some.map(({ node }) => node),
    );
  const live = fields.filter(({ param }) => param.live);
  if (live.length === 0) return { node: form(`Settings of “${title}”`, fields, false), show };
  const anew = fields.filter(({ param }) => !param.live);
  // Where the screen is narrow, what comes after the settings should not be far below.
  const more = element(
    'details',
    { class: 'anew', open: matchMedia('(min-width: 62rem)').matches },
    element('summary', {}, 'Begins the run anew'),
    form('Begins the run anew', anew, false),
  );
  const node = element(
    'div',
    { role: 'group', 'aria-label': `Settings of “${title}”` },
    form('Acts at once, also while it trains', live),
    more,
  );
  return { node, show };
}
