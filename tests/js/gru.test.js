import { before } from 'node:test';
import { GRU, init } from 'unrolled';
import { testBatchOrder, testFixtures, testGradients, testSteps } from './support/sequence.js';

before(() => init());

testFixtures(GRU, { kinds: ['GRU'], count: 11 });
testGradients(GRU, 'GRU', () => ({}));
testSteps(GRU, [{}]);
testBatchOrder(GRU);
