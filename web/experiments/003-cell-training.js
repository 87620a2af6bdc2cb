// Notebook 003: the cell with 300 units in training, from the same seed on.

import { PYTORCH_CELL } from '../data/losses.js';
import { cell, HIDDEN, lookInside, SEED } from './shared/cell.js';
import { code } from './shared/code.js';
import { numbers, printed, unreproducible } from './shared/rows.js';
import { start } from './shared/session.js';
import { sums } from './shared/sets.js';
import { isolated, learningParams, seedParam, valuesOf } from './shared/stream.js';
import { partOf } from './shared/unroll.js';

const PROBE = [1, 2, 3, 4, 5];

/** @type {import('./types.js').Param[]} */
const params = [
  ...learningParams,
  seedParam(SEED),
  { name: 'epochs', label: 'Epochs', type: 'int', default: 100, min: 1, max: 1000 },
];

/** @param {number[]} losses */
const print = (losses) => ({ texts: losses.map(String), values: losses, decimals: 0 });

/** @type {import('./types.js').Training} */
export default {
  id: '003-cell-training',
  notebook: '003',
  kind: 'training',
  title: 'The cell of 300 units learns ten thousand sums',
  summary:
    'Ten thousand rows of three numbers, a hundred times over: 250,000 steps. The notebook asks ' +
    'the result about five numbers, which it never saw in training, and prints 257.0251.',
  watch:
    'The losses are those of PyTorch from the same seed, but the answer drifts: saturated units ' +
    'turn the last bit of a float into another path.',
  params,
  short: [{ label: '400 steps', values: { epochs: 1 }, steps: 400 }],
  full: [{ label: '100 epochs', values: {} }],

  create(unrolled, values) {
    const { lr, optimizer, seed, epochs, changes = [] } = valuesOf(params, values);
    const training = start(unrolled, {
      seed,
      epochs,
      data: sums(10000, 3),
      batchSize: 4,
      optimizer,
      live: { lr },
      changes,
      model() {
        const { rnn, fc } = cell(unrolled);
        return new unrolled.Sequential({ rnn, last: new unrolled.LastStep(), fc });
      },
      parameters: (model) => model.parameters().filter(({ name }) => !name.includes('bias_hh')),
    });
    const { predict } = training;
    const untrained = predict(PROBE);
    const asRecorded = () =>
      seed === SEED && lr === 1e-3 && optimizer === 'Adam' && training.steered() === 0;

    /**
     * @param {number} from @param {number} to  steps
     * @param {number} relative
     */
    const lossRow = (from, to, relative) =>
      numbers(
        `losses of steps ${from} to ${to - 1}`,
        print(PYTORCH_CELL.slice(from, to)),
        training.losses().slice(from, to),
        { relative, why: `PyTorch 1.13 from the same seed: relative ${relative}`, recorded: true },
      );

    return {
      ...training,
      probe: () => [
        {
          input: '[1, 2, 3, 4, 5]',
          output: predict(PROBE),
          expected: 15,
          printed: '257.0251, trained',
        },
      ],
      look: (input = PROBE.map((x) => [x])) =>
        isolated(unrolled, seed, (own) => {
          const all = training.model.stateDict();
          const weights = { rnn: partOf(all, 'rnn'), fc: partOf(all, 'fc') };
          const rnn = own(new unrolled.RNN(1, HIDDEN, { batchFirst: true }));
          const fc = own(new unrolled.Linear(HIDDEN, 1));
          rnn.loadStateDict(weights.rnn);
          fc.loadStateDict(weights.fc);
          return lookInside({ rnn, fc, weights }, input);
        }),
      rows: () => [
        seed === SEED
          ? numbers('answer to [1, 2, 3, 4, 5], untrained', printed('-0.0731'), [untrained], {
              absolute: 5.1e-5,
              why: 'within half a unit of the fourth decimal',
            })
          : unreproducible(
              'answer to [1, 2, 3, 4, 5], untrained',
              '-0.0731',
              untrained.toFixed(4),
              `the notebook's seed is ${SEED}`,
            ),
        ...(asRecorded() && training.done() >= 10 ? [lossRow(0, 10, 1e-5)] : []),
        ...(asRecorded() && training.done() >= 400 ? [lossRow(10, 400, 2e-4)] : []),
        unreproducible(
          `answer after ${training.done().toLocaleString('en')} steps`,
          '257.0251',
          predict(PROBE).toFixed(4),
          'chaotic: saturated units turn last bits into other paths. The same PyTorch code from ' +
            'the same seed ended at -388.57 on another machine',
        ),
      ],
    };
  },

  // 250,000 steps in 14 min 46 s
  pace: { milliseconds: 3.5, when: () => true },

  code(values) {
    const { seed, epochs, optimizer, lr, changes = [] } = valuesOf(params, values);
    return code({
      title: 'A cell of 300 units, sums of three numbers',
      seed,
      epochs,
      samples: 10000,
      optimizer,
      live: { lr },
      changes,
      pythonModel: `class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.Wax = nn.Parameter(torch.randn(1, ${HIDDEN}))
        self.Waa = nn.Parameter(torch.randn(${HIDDEN}, ${HIDDEN}))
        self.ba = nn.Parameter(torch.zeros(${HIDDEN}))
        self.fc = nn.Linear(${HIDDEN}, 1)

    def forward(self, x):
        a = torch.zeros(len(x), ${HIDDEN})
        for t in range(x.shape[1]):
            a = torch.tanh(x[:, t] @ self.Wax + a @ self.Waa + self.ba)
        return self.fc(a)`,
      javascriptModel: `// torch.randn(1, H), then torch.randn(H, H), of which a layer has the transposes
const H = ${HIDDEN};
const Wax = randn(H);
const Waa = randn(H * H);
const stream = getRngState(); // the layer's own first weights are not the notebook's
const rnn = new RNN(1, H, { batchFirst: true });
setRngState(stream);
const fc = new Linear(H, 1);
const zeros = { shape: [H], data: new Float32Array(H) };
rnn.loadStateDict({
  weight_ih_l0: { shape: [H, 1], data: Wax },
  weight_hh_l0: {
    shape: [H, H],
    data: Waa.map((_, k) => Waa[(k % H) * H + Math.floor(k / H)]),
  },
  bias_ih_l0: zeros,
  bias_hh_l0: zeros,
});
const model = new Sequential({ rnn, last: new LastStep(), fc });`,
      names: ['getRngState', 'LastStep', 'Linear', 'RNN', 'randn', 'Sequential', 'setRngState'],
      // the notebook's cell has one bias
      javascriptParameters: "model.parameters().filter(({ name }) => !name.includes('bias_hh'))",
    });
  },
};
