// The public calls of unrolled/worker, with right arguments and wrong ones as calls.js has them.

import { openWorker } from 'unrolled/worker';
import {
  allBut,
  anything,
  brokenStates,
  bytes,
  f,
  floats,
  keep,
  number,
  optional,
  options,
  size,
  watched,
} from './calls.js';

/** @typedef {import('./calls.js').Argument} Argument */
/** @typedef {import('./calls.js').Call} Call */
/** @typedef {import('./calls.js').Labelled} Labelled */

/** Floats that cross, also those of another realm, which a worker takes for its own. @type {(name: string, n: number) => Argument} */
const sent = (name, n) => {
  const all = floats(name, n);
  return {
    ...all,
    wrong: () => all.wrong().filter(([label]) => label !== 'floats of another realm'),
  };
};

const library = await openWorker();

const MODEL = { modules: { fc: ['Linear', 3, 4] }, seed: 3 };
const TRAINING = { loss: ['MSELoss'], optimizer: ['Adam', { lr: 0.1 }] };

/** @param {import('unrolled/worker').RemoteLibrary} [there] */
const create = async (there = library) =>
  keep(await there.create(/** @type {any} */ (MODEL), /** @type {any} */ (TRAINING)));

async function open() {
  const other = await openWorker();
  keep({ dispose: () => other.close() });
  watched.set(other, [await other.create(/** @type {any} */ (MODEL))]); // closed with its library
  return other;
}

export const REMOTE_MAKERS = {
  RemoteModel: () => create(),
  RemoteLibrary: open,
};

/** The classes of what openWorker and create give. */
export async function remoteClasses() {
  const model = await create();
  return { RemoteLibrary: library.constructor, RemoteModel: model.constructor };
}

/** To be called at the end. */
export const closeRemote = () => library.close();

/** What stands for a module, a loss or an optimizer. @type {(name: string, good: any[], ...wrong: Labelled[]) => Argument} */
const described = (name, good, ...wrong) => ({
  name,
  good: () => good,
  wrong: () => [
    ...anything(),
    ['a kind that is none', ['Quantum']],
    ['what every object has', ['constructor']],
    ['a prototype', ['__proto__']],
    ['one argument too many', [...good, ...Array(4).fill({})]],
    ['a function among the arguments', [good[0], () => 5]],
    ...wrong,
  ],
});

const modules = {
  name: 'modules',
  good: () => MODEL.modules,
  wrong: () => [
    ...anything(),
    ...described('', ['Linear', 3, 4], ['sizes that are none', ['Linear', 'a', 4]])
      .wrong()
      .map(([label, value]) => /** @type {Labelled} */ ([`a module: ${label}`, { fc: value }])),
    /** @type {Labelled} */ ([
      'modules that do not fit',
      { a: ['Linear', 3, 4], b: ['Linear', 3, 4] },
    ]),
    /** @type {Labelled} */ (['a Sequential of two', { a: ['Sequential', {}, {}] }]),
    /** @type {Labelled} */ (['a Sequential of nothing', { a: ['Sequential', {}] }]),
  ],
};
const seed = {
  name: 'seed',
  good: () => 3,
  wrong: allBut((v) => v === undefined || Number.isSafeInteger(v) || typeof v === 'bigint'),
};

/** @type {(key: string, ...args: Argument[]) => Call} */
const model = (key, ...args) => ({
  name: `RemoteModel.${key}`,
  maker: 'RemoteModel',
  args,
  run: (self, list) => self[key](...list),
});

const state = () => ({
  'fc.weight': { shape: [4, 3], data: f(12) },
  'fc.bias': { shape: [4], data: f(4) },
});

/** @type {Call[]} */
export const REMOTE_CALLS = [
  {
    name: 'openWorker',
    maker: null,
    args: [
      options({
        wasm: {
          name: 'wasm',
          good: () => undefined,
          wrong: () => [
            ...anything().filter(([, v]) => v !== undefined),
            ['what only claims to be a URL', Object.create(URL.prototype)],
            ['what only claims to be a module', Object.create(WebAssembly.Module.prototype)],
          ],
        },
      }),
    ],
    run: async (_, list) => {
      const other = await openWorker(.../** @type {[any]} */ (list));
      await other.close();
    },
  },
  {
    name: 'RemoteLibrary.create',
    maker: 'RemoteLibrary',
    args: [
      {
        ...options({ modules, seed }, { modules: () => MODEL.modules }, true),
        name: 'create model',
      },
      {
        ...optional(
          options(
            {
              loss: described(
                'loss',
                ['MSELoss'],
                ['an option that is none', ['MSELoss', { a: 1 }]],
              ),
              optimizer: described(
                'optimizer',
                ['SGD', { lr: 0.1 }],
                ['a rate below 0', ['SGD', { lr: -1 }]],
              ),
              clipNorm: optional(number('clipNorm', 1, Number.MIN_VALUE)),
            },
            { loss: () => ['MSELoss'], optimizer: () => ['SGD', { lr: 0.1 }] },
            true,
          ),
        ),
        name: 'create training',
      },
    ],
    run: async (self, list) => keep(await self.create(...list)),
  },
  {
    name: 'RemoteLibrary.close',
    maker: 'RemoteLibrary',
    args: [],
    run: (self) => self.close(),
  },
  model('forward', sent('input', 6), optional(options({ batch: optional(size('batch')) }))),
  model(
    'step',
    options(
      { input: sent('input', 6), target: sent('target', 8), batch: optional(size('batch')) },
      { input: () => f(6), target: () => f(8), batch: () => 2 },
      true,
    ),
  ),
  {
    ...model(
      'fit',
      options(
        {
          inputs: sent('inputs', 12),
          targets: {
            name: 'targets',
            good: () => f(16),
            wrong: () =>
              sent('', 16)
                .wrong()
                .filter(([label]) => label !== 'whole numbers' && !label.startsWith('one ')),
          },
          samples: size('', 4),
          batchSize: optional(size('batchSize')),
          shuffle: optional({
            name: 'shuffle',
            good: () => false,
            wrong: allBut((v) => v === true),
          }),
          dropLast: optional({
            name: 'dropLast',
            good: () => false,
            wrong: allBut((v) => v === true),
          }),
        },
        { inputs: () => f(12), targets: () => f(16), samples: () => 4 },
        true,
      ),
      options(
        {
          epochs: size('epochs'),
          signal: optional({
            name: 'signal',
            good: () => new AbortController().signal,
            wrong: anything,
          }),
        },
        { epochs: () => 1 },
        true,
      ),
    ),
    run: async (self, list) => {
      for await (const _ of self.fit(...list));
    },
  },
  model('stateDict'),
  model('loadStateDict', {
    name: 'loadStateDict',
    good: state,
    wrong: () => [...anything(), ...brokenStates('Linear')],
  }),
  model('saveCheckpoint'),
  {
    ...model('loadCheckpoint', {
      ...bytes('', () => undefined),
      wrong: () => anything().filter(([, v]) => v !== undefined),
    }),
    run: async (self, /** @type {any} */ [given]) =>
      self.loadCheckpoint(given === undefined ? await self.saveCheckpoint() : given),
  },
  model('dispose'),
];
