// PyTorch's files against PyTorch itself, both ways: npm run test:torch. tests/README.md says what it
// needs. It is no part of npm test, which needs no Python.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as u from 'unrolled';
import { loadTorch, saveTorch } from 'unrolled/torch';
import { assertClose } from '../js/support/compare.js';

const TORCH = '2.13';
const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * @param {string} python
 * @param {...string} args
 */
function ask(python, ...args) {
  const env = { ...process.env, PYTHONHASHSEED: '0' };
  const said = execFileSync(python, [here('torch_side.py'), ...args], {
    env,
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', args[0] === 'version' ? 'ignore' : 'inherit'],
  });
  return said.length ? JSON.parse(said.toString()) : null;
}

/** The first Python that has the PyTorch asked for. */
function findPython() {
  const { PYTHON } = process.env;
  const pythons = PYTHON ? [PYTHON] : [here('../../build/peers/venv/bin/python'), 'python3'];
  for (const python of pythons) {
    try {
      const versions = ask(python, 'version');
      if (versions.torch.startsWith(`${TORCH}.`)) return { python, versions };
      console.error(`${python} has PyTorch ${versions.torch}, not ${TORCH}`);
    } catch {
      // it is not there, or has no PyTorch
    }
  }
  console.error(
    `No Python with PyTorch ${TORCH}: python3 -m venv build/peers/venv && build/peers/venv/bin/pip ` +
      `install torch==${TORCH}.0 safetensors, or name another one in $PYTHON`,
  );
  process.exit(1);
}

/** @param {string} base64 @returns {Float32Array} */
function floats(base64) {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

/** The bits, where PyTorch and JavaScript agree on all of them: a NaN is a NaN. @param {Float32Array} data */
function bits(data) {
  return Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length), (word, i) =>
    Number.isNaN(data[i]) ? 'NaN' : word,
  );
}

/** Python's names for what JSON cannot hold. */
const FLOATS = { nan: NaN, inf: Infinity, '-inf': -Infinity };

const counts = { tensors: 0, values: 0 };

/**
 * @param {any} got
 * @param {any} want  as torch_side.py describes it
 * @param {string} where
 */
function compare(got, want, where) {
  if (want.tensor) {
    assert.deepEqual([...got.shape], want.tensor.shape, where);
    assert.deepEqual(bits(got.data), bits(floats(want.tensor.data)), where);
    counts.tensors++;
  } else if (want.dict) {
    assert.equal(Object.getPrototypeOf(got), null, where);
    const keys = want.dict.map(([key]) => key);
    assert.deepEqual(Object.keys(got).sort(), [...keys].sort(), where);
    for (const [key, item] of want.dict) compare(got[key], item, `${where}.${key}`);
  } else if (want.list) {
    assert.ok(Array.isArray(got), where);
    assert.equal(got.length, want.list.length, where);
    for (const [i, item] of want.list.entries()) compare(got[i], item, `${where}[${i}]`);
  } else {
    counts.values++;
    if (want.bigint) assert.equal(got, BigInt(want.bigint), where);
    else if (want.float) assert.ok(Object.is(got, FLOATS[want.float]), where);
    else assert.equal(got, want.value, where);
  }
}

/** @param {any} described  a dict of tensors */
function stateOf({ dict }) {
  return Object.fromEntries(
    dict.map(([name, { tensor }]) => [name, { shape: tensor.shape, data: floats(tensor.data) }]),
  );
}

const { python, versions } = findPython();
await u.init();
const folder = mkdtempSync(join(tmpdir(), 'unrolled-torch-'));
const bytesOf = (/** @type {string} */ name) => new Uint8Array(readFileSync(join(folder, name)));
try {
  ask(python, 'write', folder);
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));

  // PyTorch writes, loadTorch reads.
  const saved = Object.entries(expected.saved);
  for (const [name, value] of saved) {
    compare(loadTorch(bytesOf(name)), expected.values[value], name);
  }
  console.log(
    `${saved.length} files of torch.save read: ${counts.tensors} tensors equal in all bits, ${counts.values} other values`,
  );
  for (const name of expected.refused) {
    assert.throws(() => loadTorch(bytesOf(name)), u.FormatError, name);
  }
  console.log(`${expected.refused.length} files refused: ${expected.refused.join(' ')}`);

  // The same model computes the same.
  const kinds = { LSTM: u.LSTM, GRU: u.GRU, RNN: u.RNN };
  const tolerance = { A: 1e-6, R: 1e-5 }; // as for the recorded layers: tests/fixtures/README.md
  for (const { kind, input, ...want } of expected.runs) {
    const rnn = new kinds[kind](3, 5, { numLayers: 2, bidirectional: true });
    rnn.loadStateDict(/** @type {any} */ (loadTorch(bytesOf(`run.${kind}.pt`))));
    const got = rnn.forward(floats(input), { batch: 2 });
    for (const name of ['output', 'hn', 'cn']) {
      if (want[name]) assertClose(got[name], floats(want[name]), tolerance, `${kind} ${name}`);
    }
    rnn.dispose();
  }
  console.log(`${expected.runs.length} models of PyTorch's weights: the same outputs and states`);

  // saveTorch writes, torch.load(weights_only=True) reads.
  u.manualSeed(5);
  const model = new u.Sequential({
    rnn: new u.LSTM(3, 5, { numLayers: 2, bidirectional: true }),
    fc: new u.Linear(10, 2),
  });
  const words = Uint32Array.of(0, 0x80000000, 1, 0x7f800000, 0xff800000, 0x7f7fffff, 0x3f800000);
  /** @type {Record<string, import('unrolled').StateDict>} */
  const ours = {
    model: model.stateDict(),
    special: {
      words: { shape: [7], data: new Float32Array(words.buffer) },
      nan: { shape: [1], data: Float32Array.of(NaN) },
      scalar: { shape: [], data: u.rand(1) },
      empty: { shape: [0, 3], data: new Float32Array(0) },
      cube: { shape: [2, 3, 4], data: u.randn(24) },
      'with "quotes", \\ and ünïcödé 🙂\n': { shape: [1, 1], data: u.rand(1) },
    },
    nothing: {},
    many: Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [
        `p.${i}`,
        { shape: [i % 5], data: u.rand(5).slice(0, i % 5) },
      ]),
    ),
  };
  for (const [name, state] of Object.entries(ours)) {
    writeFileSync(join(folder, `ours.${name}.pt`), saveTorch(state));
    if (versions.safetensors) {
      writeFileSync(join(folder, `ours.${name}.safetensors`), u.saveSafetensors(state));
    }
  }
  const found = Object.entries(ask(python, 'check', folder));
  let opened = 0;
  for (const [file, tensors] of found) {
    const state = ours[file.split('.')[1]];
    const names = Object.keys(state);
    const order = file.endsWith('.safetensors') ? [...tensors.map(([name]) => name)] : names;
    assert.deepEqual([...order].sort(), [...names].sort(), file);
    assert.equal(tensors.length, names.length, file);
    tensors.forEach(([name, dtype, shape, plain, data], i) => {
      assert.equal(name, order[i], `${file}: the order`);
      assert.equal(dtype, 'torch.float32', `${file} ${name}`);
      assert.ok(plain, `${file} ${name}: contiguous, without a gradient`);
      assert.deepEqual(shape, [...state[name].shape], `${file} ${name}`);
      assert.deepEqual(bits(floats(data)), bits(state[name].data), `${file} ${name}`);
      opened++;
    });
  }
  console.log(
    `${found.length} times PyTorch opened what was written here: ${opened} tensors equal in all bits`,
  );

  // safetensors, byte for byte.
  if (versions.safetensors) {
    const written = Object.entries(expected.safetensors);
    for (const [name, { tensors, metadata, bytes }] of written) {
      const mine = Buffer.from(u.saveSafetensors(stateOf(tensors), metadata ?? undefined));
      assert.equal(mine.toString('base64'), bytes, `safetensors ${name}`);
    }
    compare(
      u.loadSafetensors(bytesOf('dtypes.safetensors')),
      expected.values.dtypes,
      'dtypes.safetensors',
    );
    console.log(
      `${written.length} safetensors files: the same bytes as Python writes; one of every dtype read`,
    );
  } else {
    console.log('safetensors was not compared: pip install safetensors');
  }
  console.log(
    `ok: PyTorch ${versions.torch}, safetensors ${versions.safetensors ?? 'absent'}, Python ${versions.python}, ` +
      `Node ${process.version.slice(1)}`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
