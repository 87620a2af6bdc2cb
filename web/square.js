// Predictions against targets, each with each: what a broadcast loss averages, and what was meant. The
// cells are the squared differences; those that do not count step back.

import { element } from './dom.js';
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
  const result = element('p', { class: 'square-result' });

  function draw() {
    if (!square) return;
    const { predictions, targets, squares, pulls } = square;
    const n = targets.length;
    const most = Math.max(...squares, 1);
    const pull = pulls[kind];
    table.replaceChildren(
      element('caption', {}, 'Squared differences, (ŷ − y)²'),
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          element('th', { scope: 'col' }, 'answer ŷ'),
          ...targets.map((y, j) =>
            element('th', { scope: 'col' }, element('small', {}, `target ${j}`), number(y)),
          ),
          element('th', { scope: 'col' }, 'pulled'),
        ),
      ),
      element(
        'tbody',
        {},
        ...predictions.map((p, i) =>
          element(
            'tr',
            { class: i === clock?.t ? 'now' : null },
            element('th', { scope: 'row' }, number(p, 4)),
            ...targets.map((_, j) => {
              const value = squares[i * n + j];
              const rgb = diverging(value / most);
              const counts = kind === 'all' || i === j;
              const cell = element(
                'td',
                { class: `${i === j ? 'own' : ''} ${counts ? '' : 'aside'}`.trim() || null },
                number(value, 3),
              );
              if (counts) {
                cell.style.backgroundColor = `rgb(${rgb})`;
                cell.style.color = inkOn(rgb);
              }
              return cell;
            }),
            element(
              'td',
              { class: 'pull' },
              Math.abs(pull[i]) < 0.005
                ? 'not at all'
                : `${pull[i] > 0 ? '↑ up' : '↓ down'} ${number(Math.abs(pull[i]), 3)}`,
            ),
          ),
        ),
      ),
    );
    const { mean, pulled } = KINDS[kind];
    result.replaceChildren(
      'Loss: ',
      element('b', {}, minus(number(square[kind], 6))),
      `, ${mean}. Each answer is pulled ${pulled}.`,
    );
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
