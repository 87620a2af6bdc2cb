// Files from strangers: the readers of the package on files that were broken at random.
//
//     node tests/fuzz/files.js [runs [seed]]      runs for each reader (default a million)
//
// A file is read, or refused with a FormatError. Whatever it is: no prototype is touched, what is read is
// plain data, and the arrays made on the way take a small multiple of the file's size.

import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { FormatError, loadSafetensors, readSafetensorsMetadata } from 'unrolled';
import { loadTorch } from 'unrolled/torch';
import { generator } from '../js/support/numeric.js';
import { mutate, mutateHeader, mutateZip, oneOf } from './mutate.js';

/** Bytes of arrays that reading may take: so many times the file's, and these besides. */
const MULTIPLE = 16;
const BESIDES = 1 << 16;
const FIXTURES = new URL('../fixtures/files/', import.meta.url);
const CORPUS = new URL('corpus/', import.meta.url);
const FOUND = new URL('../../build/fuzz/', import.meta.url);

/** @typedef {import('./mutate.js').Draw} Draw */
/**
 * @typedef {{ name: string, seeds: Uint8Array[], read: (bytes: Uint8Array) => unknown,
 *   change: (bytes: Uint8Array, draw: Draw, seeds: Uint8Array[]) => Uint8Array }} Reader
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

/** @returns {Promise<Reader[]>} */
export async function readers() {
  return [
    {
      name: 'safetensors',
      seeds: await seedsOf('.safetensors'),
      read: (bytes) => [readSafetensorsMetadata(bytes), loadSafetensors(bytes)],
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
      assert.ok(error instanceof FormatError, `an error of another kind: ${error.stack}`);
      assert.ok(error.message.length < 1000, 'a message of readable length');
    }
  });
  assert.equal(prototypes(), before, 'a prototype was touched');
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
  const runs = Number(process.argv[2] ?? 1_000_000);
  const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
  console.log(`${runs} files for each reader, seed ${seed}`);
  for (const reader of await readers()) {
    const { read, refused, slowest } = await fuzz(reader, runs, seed);
    const time = `slowest ${slowest.toFixed(1)} ms`;
    console.log(`${reader.name}: ${read} read, ${refused} refused, ${time}`);
  }
}
