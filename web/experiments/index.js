// The experiments, in the order of the notebooks.

import everyStep000 from './000-every-step.js';
import twoPrints from './000-two-prints.js';
import everyStep001 from './001-every-step.js';
import solvedHead from './001-solved-head.js';
import weights from './001-weights.js';
import gradients from './002-gradients.js';
import seeded from './002-seeded.js';
import twoLayers from './002-two-layers.js';
import broadcast from './003-broadcast.js';
import cell from './003-cell.js';
import dataSets from './003-data-sets.js';
import dummy from './003-dummy.js';
import gates from './003-gates.js';
import normals from './003-normals.js';
import plateau from './003-plateau.js';
import shapes from './003-shapes.js';
import softmaxCell from './003-softmax-cell.js';
import threeWays from './004-three-ways.js';
import { trainings } from './trainings.js';

const [lstm, cellTraining] = trainings;

/** What each notebook is about. */
export const notebooks = [
  { id: '000', title: 'Shapes of a recurrent network' },
  { id: '001', title: 'A recurrent network, checked by hand' },
  { id: '002', title: 'A seeded layer, step by step' },
  { id: '003', title: 'From a first cell to trained networks' },
  { id: '004', title: 'One unit, written three times' },
];

/** @type {import('./types.js').Experiment[]} */
export const experiments = [
  everyStep000,
  twoPrints,
  everyStep001,
  solvedHead,
  weights,
  seeded,
  twoLayers,
  gradients,
  dummy,
  normals,
  dataSets,
  lstm,
  broadcast,
  plateau,
  gates,
  shapes,
  softmaxCell,
  cell,
  cellTraining,
  threeWays,
];
