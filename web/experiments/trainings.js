// The trainings. Apart from the checks, because the page needs more of them than their description.

import cellTraining from './003-cell-training.js';
import lstm from './003-lstm.js';

/** @type {import('./types.js').Training[]} */
export const trainings = [lstm, cellTraining];
