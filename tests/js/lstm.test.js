import { before, test } from 'node:test';
import { init, LSTM } from 'unrolled';
import { assertClose, assertSame } from './support/compare.js';
import { values } from './support/numeric.js';
import {
  slopes,
  testBatchOrder,
  testFixtures,
  testGradients,
  testSteps,
} from './support/sequence.js';

before(() => init());

testFixtures(LSTM, { kinds: ['LSTM'], count: 14 });
testGradients(LSTM, 'LSTM', () => ({}));
testGradients(LSTM, 'LSTM with a projection', (H) => ({ projSize: Math.ceil(H / 2) }), {
  sizes: [3, 5, 7, 17, 33],
});
testSteps(LSTM, [{}, { projSize: 3 }]);
testBatchOrder(LSTM);

test('LSTM with dropout between the layers: gradients are slopes under the same mask', () => {
  for (const [seed, projSize] of [
    [1, 0],
    [2, 3],
  ]) {
    for (const bidirectional of [false, true]) {
      const module = new LSTM(3, 5, { numLayers: 3, dropout: 0.4, bidirectional, projSize });
      slopes(module, { T: 3, N: 2, I: 3 }, true, { what: 'LSTM with dropout', seed });
      module.dispose();
    }
  }
});

test('LSTM: h0 or c0 alone, the other is zeros, whatever came before', () => {
  for (const projSize of [0, 2]) {
    const rnn = new LSTM(2, 3, { numLayers: 2, projSize });
    const input = values(8, 1);
    const [h0, c0] = [values(2 * (projSize || 3), 2), values(6, 3)];
    const [noH, noC] = [h0.map(() => 0), c0.map(() => 0)];
    for (const [given, full] of [
      [{ h0 }, { h0, c0: noC }],
      [{ c0 }, { h0: noH, c0 }],
      [{}, { h0: noH, c0: noC }],
    ]) {
      const want = rnn.forward(input, full);
      rnn.forward(input, { h0, c0 });
      const got = rnn.forward(input, given);
      for (const part of ['output', 'hn', 'cn']) assertSame(got[part], want[part], part);
    }
    rnn.dispose();
  }
});

test('LSTM: the gradients of output, hn and cn add up, each left out is zeros', () => {
  const rnn = new LSTM(2, 3, { bidirectional: true });
  const input = values(8, 1);
  const [g, hn, cn] = [values(24, 2), values(6, 3), values(6, 4)];
  const back = (y, state) => {
    rnn.forward(input);
    return rnn.backward(y, state);
  };
  const parts = [back(g, {}), back(null, { hn }), back(null, { cn })];
  const all = back(g, { hn, cn });
  for (const name of ['input', 'h0', 'c0']) {
    const sum = all[name].map((_, i) => parts.reduce((total, part) => total + part[name][i], 0));
    assertClose(sum, all[name], { A: 1e-6 }, name);
  }
  rnn.dispose();
});
