// Whether what a pickle made can be handed out: a pickle may tie containers into circles, and share one so
// often that whoever walks through it never ends.

import { COST_LIMIT, Global, isDict, refuse } from './unpickle.js';

/** How deep containers may nest. Python's own pickler gives up at about this depth. */
const DEPTH_LIMIT = 512;

/**
 * Checks that a value is plain all through: containers that do not contain themselves, nest no deeper
 * than DEPTH_LIMIT and, written out without sharing, hold no more than COST_LIMIT values.
 * @param {unknown} root
 * @param {(value: object) => boolean} isLeaf  what is a value by itself
 */
export function expectPlain(root, isLeaf) {
  /** @type {Map<object, { depth: number, size: number } | null>} null while it is open */
  const measured = new Map();
  /** @type {{ node: object, items: unknown[], next: number, depth: number, size: number }[]} */
  const open = [];
  /** @param {unknown} value */
  const enter = (value) => {
    if (typeof value !== 'object' || value === null || isLeaf(value)) return { depth: 0, size: 1 };
    const known = measured.get(value);
    if (known) return known;
    if (known === null) refuse('the file has a container that contains itself');
    if (!Array.isArray(value) && !isDict(value)) {
      const name = value instanceof Global ? `${value.name} itself` : 'a storage by itself';
      refuse(`the file holds ${name}, where a value is expected`);
    }
    measured.set(value, null);
    const items = Array.isArray(value) ? value : Object.values(value);
    open.push({ node: value, items, next: 0, depth: 1, size: 1 });
    return null;
  };
  enter(root);
  while (open.length) {
    const last = open[open.length - 1];
    if (last.next === last.items.length) {
      measured.set(last.node, { depth: last.depth, size: last.size });
      open.pop();
      continue;
    }
    const inside = enter(last.items[last.next]);
    if (!inside) continue; // it comes again once it is measured
    last.next++;
    last.depth = Math.max(last.depth, inside.depth + 1);
    last.size += inside.size;
    if (last.depth > DEPTH_LIMIT) refuse(`the file nests deeper than ${DEPTH_LIMIT} containers`);
    if (last.size > COST_LIMIT) refuse('the file repeats itself beyond measure');
  }
}
