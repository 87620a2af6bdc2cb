// Predictions against targets, each with each: what a broadcast loss averages, and what was meant. The
// cells are the squared differences; those that do not count step back.

import { element, setText } from './dom.js';
import { diverging, inkOn } from './scale.js';
import { minus, number } from './text.js';
import { onThemeChange } from './theme.js';

/** @typedef {import('./experiments/types.js').Square} Square */

const KINDS = {
  all: {
    label: 'as printed: all 16',
    mean: 'the mean of all sixteen',
    pulled: 'towards the mean of the targets',
  },
  own: {
    label: 'as meant: the diagonal',
    mean: 'the mean of the diagonal',
    pulled: 'towards its own target',
  },
};

let made = 0;

/**
 * @param {import('./clock.js').Clock} [clock] points at an answer
 * @returns {{ node: HTMLElement, update: (square: Square) => void }}
 */
export function createSquare(clock) {
  made += 1;
  /** @type {'all' | 'own'} */
  let kind = 'all';
  /** @type {Square | null} */
  let square = null;

  const choices = Object.entries(KINDS).map(([value, { label }]) =>
    element(
      'label',
      {},
      element('input', {
        type: 'radio',
        name: `square-${made}`,
        value,
        checked: value === kind,
        autocomplete: 'off',
        onchange: () => {
          kind = /** @type {'all' | 'own'} */ (value);
          draw();
        },
      }),
      element('span', {}, label),
    ),
  );
  const choice = element(
    'fieldset',
    { class: 'field segments' },
    element('legend', {}, 'What the loss averages'),
    element('div', {}, ...choices),
  );
  const table = element('table', { class: 'square' });
  const loss = element('b');
  const sentence = document.createTextNode('');
  const result = element('p', { class: 'square-result', hidden: true }, 'Loss: ', loss, sentence);

  /** @type {{ head: HTMLElement, value: Text }[]} the targets */
  let columns = [];
  /** @type {{ node: HTMLElement, answer: HTMLElement, cells: HTMLElement[], pull: HTMLElement }[]} */
  let rows = [];

  /** @param {number} n */
  function build(n) {
    columns = Array.from({ length: n }, (_, j) => {
      const value = document.createTextNode('');
      const small = element('small', {}, `target ${j}`);
      return { head: element('th', { scope: 'col' }, small, value), value };
    });
    rows = Array.from({ length: n }, () => {
      const answer = element('th', { scope: 'row' });
      const cells = columns.map(() => element('td'));
      const pull = element('td', { class: 'pull' });
      return { node: element('tr', {}, answer, ...cells, pull), answer, cells, pull };
    });
    table.replaceChildren(
      element('caption', {}, 'Squared differences, (ŷ − y)²'),
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', { scope: 'col' }, 'answer ŷ'),
          ...columns.map(({ head }) => head),
          element('th', { scope: 'col' }, 'pulled'),
        ),
      ),
      element('tbody', {}, ...rows.map((row) => row.node)),
    );
  }

  function draw() {
    if (!square) return;
    const { predictions, targets, squares, pulls } = square;
    const n = targets.length;
    if (columns.length !== n) build(n);
    const most = Math.max(...squares, 1);
    columns.forEach(({ value }, j) => {
      setText(value, number(targets[j]));
    });
    rows.forEach((row, i) => {
      row.node.classList.toggle('now', i === clock?.t);
      setText(row.answer, number(predictions[i], 4));
      row.cells.forEach((cell, j) => {
        const value = squares[i * n + j];
        const rgb = diverging(value / most);
        const counts = kind === 'all' || i === j;
        cell.classList.toggle('own', i === j);
        cell.classList.toggle('aside', !counts);
        cell.style.backgroundColor = counts ? `rgb(${rgb})` : '';
        cell.style.color = counts ? inkOn(rgb) : '';
        setText(cell, number(value, 3));
      });
      const pull = pulls[kind][i];
      const size = number(Math.abs(pull), 3);
      setText(
        row.pull,
        Math.abs(pull) < 0.005 ? 'not at all' : `${pull > 0 ? '↑ up' : '↓ down'} ${size}`,
      );
    });
    const { mean, pulled } = KINDS[kind];
    result.hidden = false;
    setText(loss, minus(number(square[kind], 6)));
    setText(sentence, `, ${mean}. Each answer is pulled ${pulled}.`);
  }

  const node = element(
    'div',
    { class: 'square-box' },
    choice,
    element(
      'div',
      { class: 'scroller', tabindex: 0, role: 'group', 'aria-label': 'Squared differences' },
      table,
    ),
    result,
  );
  clock?.listen(draw);
  onThemeChange(node, draw);
  return {
    node,
    update(next) {
      // a loss that is exchanged while it trains is shown so; what the visitor chose stays until then
      if (next.counts && next.counts !== square?.counts) {
        kind = next.counts;
        for (const input of choice.querySelectorAll('input')) input.checked = input.value === kind;
      }
      square = next;
      draw();
    },
  };
}
