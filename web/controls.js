// The form of an experiment's parameters. What is set here is in the address bar at once.

import { element } from './dom.js';
import { get, onChange, set } from './state.js';

/** @typedef {import('./experiments/types.js').Param} Param */

const SEGMENTS = 3; // up to so many choices lie side by side, more become a list

/** @param {string} id @param {Param} param @param {() => void} changed */
function numeric(id, param, changed) {
  const input = /** @type {HTMLInputElement} */ (
    element('input', {
      id: `${id}-${param.name}`,
      type: 'number',
      inputmode: param.type === 'int' ? 'numeric' : 'decimal',
      min: param.min,
      max: param.max,
      step: param.type === 'int' ? 1 : 'any',
      autocomplete: 'off',
    })
  );
  const show = () => {
    input.value = String(get(id, param));
  };
  input.addEventListener('change', () => {
    if (!input.value || !input.checkValidity()) return show();
    set(id, param, input.valueAsNumber);
    changed();
  });
  const label = element('label', { for: input.id }, param.label);
  return { node: element('div', { class: 'field' }, label, input), show };
}

/** @param {string} id @param {Param} param @param {() => void} changed */
function segments(id, param, changed) {
  const inputs = param.choices.map(
    ({ value }) =>
      /** @type {HTMLInputElement} */ (
        element('input', {
          type: 'radio',
          name: `${id}-${param.name}`,
          value,
          onchange: () => {
            set(id, param, value);
            changed();
          },
        })
      ),
  );
  const labels = param.choices.map(({ label }, i) =>
    element('label', {}, inputs[i], element('span', {}, label)),
  );
  const show = () => {
    const value = String(get(id, param));
    for (const input of inputs) input.checked = input.value === value;
  };
  const legend = element('legend', {}, param.label);
  const node = element(
    'fieldset',
    { class: 'field segments' },
    legend,
    element('div', {}, ...labels),
  );
  return { node, show };
}

/** @param {string} id @param {Param} param @param {() => void} changed */
function list(id, param, changed) {
  const options = param.choices.map(({ value, label }) => element('option', { value }, label));
  const select = /** @type {HTMLSelectElement} */ (
    element('select', { id: `${id}-${param.name}`, autocomplete: 'off' }, ...options)
  );
  select.addEventListener('change', () => {
    set(id, param, param.choices[select.selectedIndex].value);
    changed();
  });
  const show = () => {
    select.value = String(get(id, param));
  };
  const label = element('label', { for: select.id }, param.label);
  return { node: element('div', { class: 'field' }, label, select), show };
}

/**
 * @param {{ id: string, title: string, params: Param[] }} experiment
 * @param {() => void} changed
 * @returns {{ node: HTMLFieldSetElement | null }} null: nothing to set
 */
export function createControls({ id, title, params }, changed) {
  if (params.length === 0) return { node: null };
  const fields = params.map((param) => {
    if (param.type !== 'choice') return numeric(id, param, changed);
    return (param.choices.length <= SEGMENTS ? segments : list)(id, param, changed);
  });
  const showAll = () => {
    for (const field of fields) field.show();
  };
  showAll();
  onChange(() => {
    showAll();
    changed();
  });
  const legend = element('legend', { class: 'unseen' }, `Settings of “${title}”`);
  const node = /** @type {HTMLFieldSetElement} */ (
    element('fieldset', { class: 'controls' }, legend, ...fields.map((field) => field.node))
  );
  return { node };
}
