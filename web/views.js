// What stands beside a training's curve and is told of every update: the pictures of its model.

import { element } from './dom.js';
import { squareOfBatch } from './experiments/shared/square.js';
import { createLook } from './look.js';
import { paintNow, whileNear } from './paint.js';
import { createSquare } from './square.js';

const LOOK_INTERVAL = 66; // ms between two looks inside the model, while they are on the screen

/** @typedef {import('./experiments/types.js').View} View */

/**
 * The batch of the newest step as a matrix, where the loss can be broadcast.
 * @returns {View}
 */
function batchView() {
  const square = createSquare();
  const head = element('h4', {}, 'The batch of the newest step');
  const node = element('section', { class: 'batch', hidden: true }, head, square.node);
  return {
    node,
    start() {
      node.hidden = true;
    },
    update({ batch }) {
      if (!batch) return;
      node.hidden = false;
      square.update(squareOfBatch(batch));
    },
  };
}

/** @typedef {(name: string, ...args: any[]) => Promise<any>} Ask one of the worker's functions */

/**
 * The model at work on the visitor's input: asked again while it trains.
 * @param {string} id
 * @param {string} title
 * @param {Ask} ask
 * @returns {View}
 */
function lookView(id, title, ask) {
  const { node, refresh } = createLook({
    id,
    title,
    ask: (input) => ask('lookNow', input),
    predict: async (input) => (await ask('predict', input.flat())).toFixed(4),
  });
  const refreshNear = whileNear(node, refresh, LOOK_INTERVAL);
  /** @type {unknown} */
  let seen = null;
  return {
    node,
    start: refresh,
    update({ probes }) {
      if (probes === seen) refreshNear();
      else paintNow(node);
      seen = probes;
    },
  };
}

/**
 * @param {import('./experiments/types.js').Training} experiment
 * @param {Ask} ask  answered at rest or between two steps
 * @returns {View[]}
 */
export function viewsOf({ id, title, params }, ask) {
  const broadcasts = params.some(({ name }) => name === 'loss');
  return [...(broadcasts ? [batchView()] : []), lookView(id, title, ask)];
}
