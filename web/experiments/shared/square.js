// Predictions against targets, each with each: the arithmetic of a picture. What the library's MSELoss
// makes of the same numbers is in 003-broadcast.js.

/** @import { LastBatch, Square } from '../types.js' */

/** @param {number[]} list */
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;

/**
 * @param {Pick<LastBatch, 'predictions' | 'targets' | 'broadcast'>} batch
 * @returns {Square}
 */
export function squareOfBatch({ predictions, targets, broadcast }) {
  const n = targets.length;
  const squares = predictions.flatMap((p) => targets.map((y) => (p - y) ** 2));
  const centre = mean(targets);
  return {
    predictions,
    targets,
    squares,
    all: mean(squares),
    own: mean(predictions.map((_, k) => squares[k * n + k])),
    pulls: {
      all: predictions.map((p) => (2 * (centre - p)) / n),
      own: predictions.map((p, k) => (2 * (targets[k] - p)) / n),
    },
    counts: broadcast ? 'all' : 'own',
  };
}
