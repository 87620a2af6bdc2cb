// The table of the notebooks, asserted row by row.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as unrolled from 'unrolled';
import * as losses from '../../web/data/losses.js';
import * as twoPrints from '../../web/experiments/000-two-prints.js';
import { solveHead } from '../../web/experiments/001-solved-head.js';
import * as seeded from '../../web/experiments/002-seeded.js';
import * as twoLayers from '../../web/experiments/002-two-layers.js';
import * as cell from '../../web/experiments/003-cell.js';
import * as normals from '../../web/experiments/003-normals.js';
import { theory } from '../../web/experiments/003-plateau.js';
import * as threeWays from '../../web/experiments/004-three-ways.js';
import { experiments, notebooks } from '../../web/experiments/index.js';
import * as print001 from '../../web/experiments/shared/printed-001.js';
import { agreeingDigits, printed } from '../../web/experiments/shared/rows.js';
import { collect, count, format } from './table.js';

/** @import { Row, Training } from '../../web/experiments/types.js' */
/** @import { Section } from './table.js' */

/** @param {string} path */
const here = (path) => new URL(path, import.meta.url).pathname;

/** @param {string} name  of a training's fixture */
const fixture = (name) =>
  unrolled.loadSafetensors(readFileSync(here(`../fixtures/train/${name}.safetensors`)));

const { checks } = JSON.parse(readFileSync(here('../fixtures/notebooks.json'), 'utf8'));
/** @param {string} id  of a recorded number */
const recorded = (id) => checks.find((/** @type {{ id: string }} */ check) => check.id === id);

// Rows of each notebook, and how many of them can agree.
const ROWS = {
  '000': { rows: 7, agree: 6 },
  '001': { rows: 16, agree: 14 },
  '002': { rows: 22, agree: 20 },
  '003': { rows: 65, agree: 55 },
  '004': { rows: 10, agree: 10 },
};

// Digits that agree, at least: in the order of the rows that have digits. Of a training, a list for
// each of its runs.
const DIGITS = {
  '000-two-prints': [[4]],
  '001-solved-head': [[6]],
  '001-weights': [[4]],
  '002-seeded': [[7, 4, 4, 6, 6, 6, 7, 6, 6, 7, 6, 6]],
  '003-normals': [[14]],
  '003-lstm': [
    [2, 2, 2, 2, 7, 6],
    [6, 4],
  ],
  '003-plateau': [[2]],
  '003-cell': [[3, 3]],
  '003-cell-training': [[3, 5, 4]],
  '004-three-ways': [[5, 5, 5, 5, 7, 7, 7]],
};

/** @type {Section[]} */
let sections = [];
/** @type {ReturnType<typeof unrolled.info>} */
let atFirst;

before(async () => {
  await unrolled.init();
  const { liveObjects } = unrolled.info();
  sections = await collect(unrolled);
  atFirst = unrolled.info();
  assert.equal(atFirst.liveObjects, liveObjects);
});

after(() => {
  const { liveObjects, allocatedBytes } = unrolled.info();
  assert.equal(liveObjects, atFirst.liveObjects, 'every experiment disposes of what it made');
  assert.equal(allocatedBytes, atFirst.allocatedBytes);
});

test('every row that can agree agrees', async (t) => {
  for (const { id, title, rows } of sections) {
    await t.test(`${id}: ${title}`, () => {
      for (const { what, printed: print, computed, agrees, note } of rows) {
        assert.notEqual(agrees, false, `${what}: ${print} in print, ${computed} here (${note})`);
      }
    });
  }
});

test('as many rows as there are numbers', async (t) => {
  for (const { id } of notebooks) {
    await t.test(id, () => {
      const { rows, agree } = count(sections.filter(({ notebook }) => notebook === id));
      assert.deepEqual({ rows, agree }, ROWS[id]);
    });
  }
});

test('as many digits as there must be', async (t) => {
  for (const [at, { id, title, rows }] of sections.entries()) {
    const digits = rows.filter((row) => row.digits !== null);
    if (digits.length === 0) continue;
    const nth = sections.slice(0, at).filter((section) => section.id === id).length;
    await t.test(`${id}: ${title}`, () => {
      const least = DIGITS[id]?.[nth];
      assert.equal(digits.length, least?.length, digits.map((row) => row.digits).join());
      digits.forEach((row, k) => {
        assert.ok(row.digits >= least[k], `${row.what}: ${row.digits} digits, not ${least[k]}`);
      });
    });
  }
});

test('a reason stands where nothing can agree', () => {
  for (const { rows } of sections) {
    for (const row of rows) {
      assert.equal(typeof row.computed, 'string');
      assert.ok(row.note.length > 0, row.what);
      if (row.agrees === null) assert.ok(row.printed, row.what);
    }
  }
});

test('the numbers are those of the notebooks', () => {
  const two = recorded('000.print_agrees').expected;
  assert.deepEqual(twoPrints.FOUR.values, two.out4.flat());
  assert.deepEqual(twoPrints.EIGHT.values, two.yhats8.flat());

  const head = recorded('001.linear_head').expected;
  assert.deepEqual(print001.HIDDEN.values, head.hidden.flat());
  assert.deepEqual(print001.OUTPUT.values, head.yhats_torch.flat());
  assert.deepEqual(print001.PREDICTION.values, head.prediction_first_rows.flat());
  const weights = recorded('001.W_xh_print').expected;
  assert.deepEqual(print001.W_XH.values, weights.W_xh.flat());
  assert.deepEqual(print001.W_XH_FOUR.values, weights.printed4.flat());

  const { expected, params } = recorded('002.seeded_rnn');
  assert.deepEqual(seeded.FOUR.values, expected.output4.flat());
  assert.deepEqual(seeded.FOUR.values.slice(-2), expected.hn4);
  assert.deepEqual(seeded.INPUT_PART.values, expected.hidden_wx_plus_b.flat());
  assert.deepEqual(seeded.BY_LOOP.values, expected.output_manual.flat());
  assert.deepEqual(seeded.BY_LAYER.values, expected.output_rnn.flat());
  const drawn = Object.values(params).flat(2);
  seeded.PARAMETERS.values.forEach((value, k) => {
    assert.ok(Math.abs(value - drawn[k]) <= 5.1e-9);
  });
  assert.deepEqual(
    twoLayers.PRINTED_STATE.values,
    recorded('002.second_model_values').expected.hidden1_first_row,
  );

  assert.deepEqual(losses.NOTEBOOK_LSTM, recorded('003.lstm_loss_curve').expected.mean_loss);
  const full = recorded('003.seeded_scratch_rnn').full_precision;
  assert.ok(Math.abs(cell.RECORDED.values[0] - full) < 1e-10);

  assert.deepEqual(threeWays.INPUT.values, recorded('004.relu_rnn_printed_input').inputs);
  assert.deepEqual(threeWays.OUTPUT.values, recorded('004.relu_rnn_printed_input').expected);
  assert.deepEqual(threeWays.RECOVERED, recorded('004.relu_rnn_recovered_input').inputs);
});

test('the recorded losses are those of the fixtures', () => {
  /** @param {number[]} values @param {Float32Array} exact */
  const same = (values, exact) => assert.deepEqual(Float32Array.from(values), exact);
  same(losses.PYTORCH_CELL, fixture('scratch003').losses.data);
  same(losses.PYTORCH_LSTM_REPAIRED, fixture('lstm003_fixed').epoch_mean_loss.data);
  same(losses.PYTORCH_LSTM_BROADCAST, fixture('lstm003_broadcast_bug').epoch_mean_loss.data);

  const numpy = unrolled.loadSafetensors(
    readFileSync(here('../fixtures/rng/numpy_legacy.safetensors')),
  );
  same(normals.RECORDED.values, numpy['0.randn'].data.slice(0, 6));
});

test('the solved layer is the one that least squares finds', () => {
  const { Wo_solved, bo_solved, max_residual } = recorded('001.linear_head').expected;
  const { Wo, bo, residual } = solveHead();
  [...Wo, ...bo].forEach((value, k) => {
    assert.ok(Math.abs(value - [...Wo_solved.flat(), ...bo_solved][k]) <= 1e-9);
  });
  assert.ok(Math.abs(residual - max_residual) <= 1e-12);
});

test('the plateau of the broadcast loss', () => {
  const { target_mean, target_variance } = recorded('003.lstm_plateau').expected;
  const { centre, variance, slope, floor } = theory();
  assert.equal(centre, target_mean);
  assert.equal(variance, target_variance);
  assert.ok(Math.abs(slope - 8 / 33) < 1e-12);
  assert.equal(Math.round(floor), 63527);
});

test('the LSTM follows the curve of the notebook within 2 %', () => {
  const [asPrinted] = sections.filter(({ id }) => id === '003-lstm');
  for (const epoch of [0, 5, 10, 15]) {
    const { loss } = asPrinted.curve.points[epoch];
    const print = losses.NOTEBOOK_LSTM[epoch / 5];
    assert.ok(Math.abs(loss / print - 1) <= 0.02, `epoch ${epoch}: ${loss}, printed ${print}`);
  }
});

test('the cell of 300 units has the losses of PyTorch', () => {
  const { curve } = sections.find(({ id }) => id === '003-cell-training');
  const expected = fixture('scratch003').losses.data;
  assert.equal(curve.points.length, expected.length);
  curve.points.forEach(({ loss }, step) => {
    const bound = step < 10 ? 1e-5 : 2e-4;
    assert.ok(Math.abs(loss / expected[step] - 1) <= bound, `step ${step}: ${loss}`);
  });
});

/** @param {string} id */
const training = (id) => /** @type {Training} */ (experiments.find((item) => item.id === id));

/**
 * The losses and the last answer of a training's first steps, paused after some of them.
 * @param {string} id
 * @param {object} values
 * @param {number} steps
 * @param {number[]} pauses  after which steps
 * @param {'abort' | 'break'} how
 */
async function run(id, values, steps, pauses, how) {
  const session = training(id).create(unrolled, values);
  const seen = [];
  try {
    while (seen.length < steps) {
      const stop = new AbortController();
      const reason = new Error('paused');
      try {
        for await (const { epoch, step, loss, epochLoss } of session.fit({ signal: stop.signal })) {
          assert.equal(step, seen.length);
          assert.equal(epoch, Math.floor(step / session.stepsPerEpoch));
          seen.push({ loss, epochLoss });
          if (seen.length === steps) break;
          if (pauses.includes(seen.length)) {
            if (how === 'break') break;
            stop.abort(reason);
          }
        }
      } catch (error) {
        assert.equal(error, reason);
      }
      // what others do in between must not show
      twoLayers.default.run(unrolled, { seed: 5 });
      unrolled.manualSeed(99);
      unrolled.randn(7);
    }
    return { seen, probe: session.probe() };
  } finally {
    session.dispose();
  }
}

for (const how of /** @type {const} */ (['abort', 'break'])) {
  for (const [id, values, steps, pauses] of /** @type {const} */ ([
    ['003-lstm', { epochs: 3, hidden: 12 }, 75, [1, 10, 25, 33, 50, 51]],
    ['003-lstm', { epochs: 2, hidden: 5, loss: 'repaired' }, 50, [24, 26, 49]],
    ['003-cell-training', { epochs: 1 }, 20, [3, 4, 15]],
  ])) {
    test(`${id}, paused by ${how}, has the bits of an unbroken run`, async () => {
      const unbroken = await run(id, values, steps, [], how);
      const paused = await run(id, values, steps, [...pauses], how);
      assert.deepEqual(paused, unbroken);
    });
  }
}

test('a training ends with its last epoch, and has nothing to do after it', async () => {
  const session = training('003-lstm').create(unrolled, { epochs: 2, hidden: 3 });
  const items = [];
  for await (const item of session.fit()) items.push(item);
  assert.equal(items.length, session.totalSteps);
  assert.deepEqual(
    [items.at(-1).epoch, items.at(-1).step],
    [session.epochs - 1, session.totalSteps - 1],
  );
  for await (const _ of session.fit()) assert.fail('another step');
  session.dispose();
});

test('every check works with any seed, on plain data, and leaves the stream alone', () => {
  unrolled.manualSeed(7);
  for (const experiment of experiments) {
    if (experiment.kind !== 'check') continue;
    for (const seed of experiment.params.some(({ name }) => name === 'seed')
      ? [0, 1, 2, 3, 123]
      : [0]) {
      const stream = unrolled.getRngState();
      const outcome = experiment.run(unrolled, { seed });
      assert.deepEqual(unrolled.getRngState(), stream, experiment.id);
      assert.deepEqual(structuredClone(outcome), outcome);
      for (const { what, agrees, computed } of outcome.rows) {
        // an output near zero may miss NumPy's relative bound: see the row's note
        if (what.includes('np.allclose')) continue;
        assert.notEqual(agrees, false, `${experiment.id}, seed ${seed}: ${what}, ${computed}`);
      }
      for (const { shape, data } of outcome.matrices ?? []) {
        assert.equal(data.length, shape[0] * shape[1]);
        assert.ok(data.every(Number.isFinite));
      }
      for (const { x, lines } of outcome.series ?? []) {
        for (const { values } of lines) assert.equal(values.length, x.length);
      }
      for (const { columns, rows } of outcome.tables ?? []) {
        for (const row of rows) assert.equal(row.length, columns.length);
      }
    }
  }
});

test('every experiment says what it is', () => {
  const ids = experiments.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const experiment of experiments) {
    assert.ok(experiment.id.startsWith(`${experiment.notebook}-`));
    for (const text of [experiment.title, experiment.summary, experiment.watch]) assert.ok(text);
    for (const param of experiment.params) {
      if (param.type !== 'choice') {
        assert.ok(Number(param.default) >= param.min && Number(param.default) <= param.max);
      } else assert.ok(param.choices.some(({ value }) => value === param.default));
    }
  }
});

test('the table is readable at 120 columns', () => {
  const text = format(sections);
  for (const line of text.split('\n')) assert.ok(line.length <= 120, line);
  for (const { id } of experiments) assert.ok(text.includes(id), id);
  const { rows, agree, disagree, impossible } = count(sections);
  assert.equal(agree + disagree + impossible, rows);
  assert.match(
    text.split('\n').at(-1),
    new RegExp(`^${rows} rows: ${agree} agree, 0 do not, ${impossible} cannot be reproduced`),
  );
});

test('digits are counted at the largest number', () => {
  const print = printed('0.25 -1.50');
  assert.deepEqual(print, { texts: ['0.25', '-1.50'], values: [0.25, -1.5], decimals: 2 });
  assert.equal(agreeingDigits([0.25, -1.5], 2, 0), 3);
  assert.equal(agreeingDigits([0.25, -1.5], 2, 0.005), 3);
  assert.equal(agreeingDigits([0.25, -1.5], 2, 0.006), 2);
  assert.equal(agreeingDigits([0.25, -1.5], 2, 3), 0);
  assert.equal(agreeingDigits([0.25, -1.5], 2, Number.NaN), 0);
  assert.equal(agreeingDigits([265941.56], 2, 0.004), 8);
  assert.equal(agreeingDigits([0.0176], 4, 0), 3);
  assert.equal(agreeingDigits([0], 4, 0), 4);
});

test('the program: help, a wrong option, no library', () => {
  /** @param {string} script @param {string[]} options */
  const program = (script, ...options) =>
    spawnSync(process.execPath, [script, ...options], { encoding: 'utf8' });
  const script = here('run.js');
  assert.equal(program(script, '--help').status, 0);

  const wrong = program(script, '--fool');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--fool.*usage/s);

  const folder = mkdtempSync(join(tmpdir(), 'unrolled-'));
  try {
    for (const path of ['package.json', 'tests/notebooks', 'web']) {
      cpSync(here(`../../${path}`), join(folder, path), { recursive: true });
    }
    const bare = program(join(folder, 'tests/notebooks/run.js'));
    assert.equal(bare.status, 2);
    assert.match(bare.stderr, /run \.\/build\.sh/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the program: Ctrl-C ends a full run with what was done', async () => {
  const child = spawn(process.execPath, [here('run.js'), '--full', '--json']);
  const ended = once(child, 'close');
  let out = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  await once(child.stderr, 'data'); // the first line of progress: a training is under way
  child.kill('SIGINT');
  const [status] = await ended;
  assert.equal(status, 130);
  const result = JSON.parse(out);
  assert.equal(result.full, true);
  assert.ok(result.experiments.length < experiments.length);
});
