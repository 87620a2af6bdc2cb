// What stands beside a training's curve and is told of every update: the pictures of its model.

/**
 * @param {import('./experiments/types.js').Training} experiment
 * @param {(sequence: number[]) => Promise<number>} predict  asks the model, also while it trains
 * @returns {import('./experiments/types.js').View[]}
 */
export function viewsOf(experiment, predict) {
  void experiment;
  void predict;
  return [];
}
