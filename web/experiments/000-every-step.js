// Notebook 000: torch.nn.RNN and Linear against a loop in NumPy.

import { allcloseRow, everyStep, lookInside, pictures, shapeRows } from './shared/every-step.js';
import { exact, show, unreproducible } from './shared/rows.js';
import { seedParam, valuesOf } from './shared/stream.js';

const params = [seedParam(0, 'Seed of weights and inputs')];

/** @type {import('./types.js').Check} */
export default {
  id: '000-every-step',
  notebook: '000',
  kind: 'check',
  title: 'Layers against a loop, at every step',
  summary:
    'Ten steps of three features go through five tanh units, and a Linear layer reads two ' +
    'numbers off them at each step. The same weights in a loop of plain arithmetic must say ' +
    'the same.',
  watch:
    'Move through time: each state is the input’s word and the memory’s word, added up and pressed ' +
    'through a tanh. Drag an input: nothing before it moves.',
  params,
  look: (unrolled, values, input) => lookInside(unrolled, valuesOf(params, values).seed, input),
  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    const run = everyStep(unrolled, seed);
    return {
      rows: [
        ...shapeRows(run),
        exact(
          'order of the parameters',
          ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'],
          run.order.map((name) => name.replace(/_l0$/, '')),
          'the notebook unpacks them in this order',
        ),
        allcloseRow(run),
        unreproducible(
          'outputs (20 numbers)',
          '0.85543753 … 0.25070022',
          show(run.output, 8),
          'unseeded: neither the inputs nor the weights are printed',
        ),
      ],
      ...pictures(run),
    };
  },
};
