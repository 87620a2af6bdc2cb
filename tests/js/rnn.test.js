import { before } from 'node:test';
import { init, RNN } from 'unrolled';
import { testBatchOrder, testFixtures, testGradients, testSteps } from './support/sequence.js';

before(() => init());

testFixtures(RNN, { kinds: ['RNN_tanh', 'RNN_relu'], count: 21 });
testGradients(RNN, 'RNN tanh', () => ({}));
testGradients(RNN, 'RNN identity', () => ({ nonlinearity: 'identity' }));
testGradients(RNN, 'RNN relu', () => ({ nonlinearity: 'relu' }), { kinks: true });
testSteps(RNN, [{}, { nonlinearity: 'relu' }, { nonlinearity: 'identity' }]);
testBatchOrder(RNN);
