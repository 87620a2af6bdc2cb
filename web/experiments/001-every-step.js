// Notebook 001: the model of 000 again, with its hidden states.

import { allcloseRow, everyStep, lookInside, pictures, shapeRows } from './shared/every-step.js';
import { HIDDEN, OUTPUT, PREDICTION } from './shared/printed-001.js';
import {
  allclose,
  largestDifference,
  property,
  show,
  small,
  unreproducible,
} from './shared/rows.js';
import { seedParam, valuesOf } from './shared/stream.js';

const params = [seedParam(1, 'Seed of weights and inputs')];

/** @type {import('./types.js').Check} */
export default {
  id: '001-every-step',
  notebook: '001',
  kind: 'check',
  title: 'What the loop carries from step to step',
  summary:
    'The loop of the notebook prints its five hidden values at each step: all that the network ' +
    'remembers. Here layers and loop are compared there too, not only at the output.',
  watch: 'Each column of the heat map is made of the one before it and of three new inputs.',
  params,
  look: (unrolled, values, input) => lookInside(unrolled, valuesOf(params, values).seed, input),
  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    const run = everyStep(unrolled, seed);
    const last = run.hidden.subarray(run.hidden.length - run.hn.length);
    const apart = largestDifference(run.hidden, run.hiddenByHand);
    return {
      rows: [
        ...shapeRows(run),
        allcloseRow(run),
        property(
          'the two prints of the outputs: allclose',
          'True',
          allclose(PREDICTION.values, OUTPUT.values.slice(0, 16)) ? 'True' : 'False',
          allclose(PREDICTION.values, OUTPUT.values.slice(0, 16)),
          "the notebook's own numbers, the eight steps that it shows of both",
        ),
        property(
          'hidden states: layers and loop',
          null,
          `${small(apart)} apart`,
          apart <= 1e-6,
          'float32 against double: at most 1e-6',
        ),
        property(
          'the state handed back is the last one',
          null,
          last.every((value, k) => value === run.hn[k]) ? 'equal' : 'different',
          last.every((value, k) => value === run.hn[k]),
          'to the bit',
        ),
        unreproducible(
          'hidden states (50 numbers)',
          '-0.30718069 … 0.69889083',
          show(run.hidden, 8),
          'unseeded: 60 unknown numbers (inputs, W_hh, both biases) against 50 printed ones',
        ),
        unreproducible(
          'outputs (20 numbers)',
          '0.36600357 … 0.44149268',
          show(run.output, 8),
          'unseeded: the inputs and most of the weights are not printed',
        ),
      ],
      ...pictures(run),
      matrices: [
        {
          title: "The notebook's own hidden states, as printed",
          shape: [5, 10],
          data: Array.from(
            { length: 50 },
            (_, k) => HIDDEN.values[(k % 10) * 5 + (k - (k % 10)) / 10],
          ),
          rowLabel: 'unit',
          columnLabel: 'step',
        },
      ],
    };
  },
};
