// Files from strangers: the readers of the package on files that were broken at random.
//
//     node tests/fuzz/files.js [runs [seed]]      runs for each reader (default a hundred thousand)
//
// A file is read, or refused with a FormatError (a checkpoint also because it is another training's).
// Whatever it is: no prototype is touched, the arrays made on the way take a small multiple of the file's
// size, and of a checkpoint that is refused nothing is loaded.

import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import * as u from 'unrolled';
import { loadTorch } from 'unrolled/torch';
import { generator, values } from '../js/support/numeric.js';
import { mutate, mutateCheckpoint, mutateHeader, mutateZip, oneOf } from './mutate.js';

/** Bytes of arrays that reading may take: so many times the file's, and these besides. */
const MULTIPLE = 16;
const BESIDES = 1 << 16;
const FIXTURES = new URL('../fixtures/files/', import.meta.url);
const CORPUS = new URL('corpus/', import.meta.url);
const FOUND = new URL('../../build/fuzz/', import.meta.url);

/** @typedef {import('./mutate.js').Draw} Draw */
/**
 * @typedef {{ name: string, seeds: Uint8Array[], read: (bytes: Uint8Array) => unknown,
 *   change: (bytes: Uint8Array, draw: Draw, seeds: Uint8Array[]) => Uint8Array,
 *   errors?: Function[], after?: (read: boolean) => void }} Reader
 *   errors: what it may throw (default: a FormatError); after: what must hold then
 */

/** @param {string} ending @returns {Promise<Uint8Array[]>} the fixtures, the broken ones, the corpus */
async function seedsOf(ending) {
  const files = [];
  for (const folder of [FIXTURES, CORPUS]) {
    for (const name of (await readdir(folder)).filter((file) => file.endsWith(ending)).sort()) {
      files.push(new Uint8Array(await readFile(new URL(name, folder))));
    }
  }
  const bad = JSON.parse(await readFile(new URL('bad/index.json', FIXTURES), 'utf8')).files;
  for (const { file, base64 } of bad) {
    if (file.endsWith(ending)) files.push(new Uint8Array(Buffer.from(base64, 'base64')));
  }
  return files.filter(({ length }) => length > 0 && length < 1 << 17);
}

/** A training in the middle of an epoch, all its parts. @param {number} seed */
function training(seed) {
  u.manualSeed(seed);
  const model = new u.Sequential({
    rnn: new u.GRU(1, 2, { batchFirst: true }),
    last: new u.LastStep(),
    fc: new u.Linear(2, 1),
  });
  const optimizer = new u.Adam(model.parameters(), { lr: 0.01, amsgrad: true });
  const scheduler = new u.ReduceLROnPlateau(optimizer);
  const data = { inputs: values(15, seed), targets: values(5, seed), samples: 5, shuffle: true };
  const loader = new u.DataLoader({ ...data, batchSize: 2 });
  return { model, optimizer, scheduler, loader };
}

/** @returns {Promise<Reader>} loads into a training, which is as before when the file is refused */
async function checkpoints() {
  await u.init();
  const parts = training(1);
  const fresh = u.saveCheckpoint(parts);
  const loss = new u.MSELoss();
  const trainer = new u.Trainer(parts.model, { loss, optimizer: parts.optimizer });
  for await (const _ of trainer.fit(parts.loader, { epochs: 1 })) break;
  parts.scheduler.step(1);
  const begun = u.saveCheckpoint({ ...parts, metadata: { name: 'begun' } });
  const { model, optimizer } = training(2);
  const others = [{ model }, { model, optimizer }, training(3)].map(u.saveCheckpoint);
  const now = u.saveCheckpoint(parts);
  return {
    name: 'checkpoint',
    seeds: [begun, begun, begun, fresh, ...others],
    read: (bytes) => u.loadCheckpoint(bytes, parts),
    change: (bytes, draw, seeds) =>
      draw() < 0.8 ? mutateCheckpoint(bytes, draw) : mutate(bytes, draw, seeds),
    errors: [u.FormatError, u.ArgumentError, u.ShapeError],
    after(read) {
      // A file that was read may be any training; it must be one that can be written and left again.
      const after = u.saveCheckpoint(parts);
      if (read) u.loadCheckpoint(now, parts);
      else assert.ok(Buffer.compare(after, now) === 0, 'something of a refused file was loaded');
    },
  };
}

/** @returns {Promise<Reader[]>} */
export async function readers() {
  return [
    {
      name: 'safetensors',
      seeds: await seedsOf('.safetensors'),
      read: (bytes) => [u.readSafetensorsMetadata(bytes), u.loadSafetensors(bytes)],
      change: (bytes, draw, seeds) =>
        draw() < 0.5 && bytes.length > 8 ? mutateHeader(bytes, draw) : mutate(bytes, draw, seeds),
    },
    {
      name: 'pt',
      seeds: await seedsOf('.pt'),
      read: loadTorch,
      change: (bytes, draw, seeds) =>
        draw() < 0.7 ? mutateZip(bytes, draw, seeds) : mutate(bytes, draw, seeds),
    },
    await checkpoints(),
  ];
}

const ARRAYS = ['Float32Array', 'Float64Array', 'Uint8Array', 'Uint16Array', 'Int32Array'];
const GLOBALS = [...ARRAYS, 'Uint32Array', 'BigInt64Array', 'ArrayBuffer'];

/**
 * The bytes of arrays made while something runs.
 * @param {() => void} run
 */
function bytesTaken(run) {
  let taken = 0;
  const real = GLOBALS.map((name) => globalThis[name]);
  GLOBALS.forEach((name, i) => {
    globalThis[name] = new Proxy(real[i], {
      construct(Class, args, target) {
        const made = Reflect.construct(Class, args, target);
        if (!(args[0] instanceof real[GLOBALS.indexOf('ArrayBuffer')])) taken += made.byteLength;
        return made;
      },
    });
  });
  try {
    run();
  } finally {
    GLOBALS.forEach((name, i) => {
      globalThis[name] = real[i];
    });
  }
  return taken;
}

/** All that could be polluted. */
function prototypes() {
  return [Object, Array, Function, String, Number, Map, Set, Float32Array, Uint8Array]
    .map(({ prototype }) => Reflect.ownKeys(prototype).length)
    .join();
}

/** @param {Reader} reader @param {Uint8Array} bytes @returns {boolean} whether it was read */
export function check(reader, bytes) {
  const before = prototypes();
  let read = true;
  const taken = bytesTaken(() => {
    try {
      reader.read(bytes);
    } catch (error) {
      read = false;
      const known = (reader.errors ?? [u.FormatError]).includes(error.constructor);
      assert.ok(known, `an error of another kind: ${error.stack}`);
      assert.ok(error.message.length < 1000, 'a message of readable length');
    }
  });
  assert.equal(prototypes(), before, 'a prototype was touched');
  reader.after?.(read);
  assert.ok(taken <= MULTIPLE * bytes.length + BESIDES, `${taken} bytes for ${bytes.length}`);
  return read;
}

/**
 * @param {Reader} reader
 * @param {number} runs
 * @param {number} seed
 * @returns {Promise<{ read: number, refused: number, slowest: number }>}
 */
export async function fuzz(reader, runs, seed) {
  const { seeds, change } = reader;
  const counts = { read: 0, refused: 0, slowest: 0 };
  for (let run = 0; run < runs; run++) {
    const draw = generator(seed + run); // each can be had again by itself
    const bytes = change(oneOf(draw, seeds), draw, seeds);
    const from = performance.now();
    try {
      counts[check(reader, bytes) ? 'read' : 'refused']++;
    } catch (error) {
      await mkdir(FOUND, { recursive: true });
      const file = new URL(`found-${seed + run}.${reader.name}`, FOUND);
      await writeFile(file, bytes);
      throw new Error(`${reader.name}, seed ${seed + run}, kept as ${file.pathname}`, {
        cause: error,
      });
    }
    counts.slowest = Math.max(counts.slowest, performance.now() - from);
  }
  return counts;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const runs = Number(process.argv[2] ?? 100_000);
  const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
  console.log(`${runs} files for each reader, seed ${seed}`);
  for (const reader of await readers()) {
    const { read, refused, slowest } = await fuzz(reader, runs, seed);
    const time = `slowest ${slowest.toFixed(1)} ms`;
    console.log(`${reader.name}: ${read} read, ${refused} refused, ${time}`);
  }
}
