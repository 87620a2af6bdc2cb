// Trainings as the page has them: asked between steps, steered, saved, taken up again, written as
// programs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as unrolled from 'unrolled';
import { experiments } from '../../web/experiments/index.js';
import * as library from '../../web/library.js';

/** @import { Session, Training, Values } from '../../web/experiments/types.js' */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

before(() => unrolled.init());

/** @param {string} id */
const training = (id) => /** @type {Training} */ (experiments.find((one) => one.id === id));

/** Takes steps, until so many are done in all. @param {Session} session @param {number} until */
async function train(session, until) {
  const losses = [];
  for await (const { loss } of session.fit()) {
    losses.push(loss);
    if (session.done() >= until) break;
  }
  return losses;
}

/** What a run came to, to the bit. @param {Session} session */
const bits = ({ model }) => unrolled.saveSafetensors(model.stateDict());

const SMALL = { hidden: 6, epochs: 4 };
const STEERED = {
  ...SMALL,
  changes: [
    { step: 10, name: 'lr', value: 0.01 },
    { step: 25, name: 'loss', value: 'repaired' },
    { step: 60, name: 'lr', value: 0.0005 },
  ],
};

describe('saved and taken up again', () => {
  for (const [id, values, total] of /** @type {[string, Values, number][]} */ ([
    ['003-lstm', SMALL, 100],
    ['003-lstm', { ...SMALL, cell: 'GRU', optimizer: 'RMSprop', loss: 'repaired' }, 100],
    ['003-lstm', STEERED, 100],
    ['003-cell-training', { epochs: 1 }, 12],
  ])) {
    test(`${id}, ${JSON.stringify(values)}: the bits of an unbroken run`, async () => {
      const whole = training(id).create(unrolled, values);
      const losses = await train(whole, total);
      for (const at of [1, 10, 25, 50, 61].filter((step) => step < total)) {
        const first = training(id).create(unrolled, values);
        const until = await train(first, at);
        const bytes = first.save();
        const batch = first.batch();
        first.dispose();
        unrolled.manualSeed(at); // another stream, another process
        const second = training(id).create(unrolled, values);
        second.restore(bytes);
        assert.equal(second.done(), at);
        assert.deepEqual(second.batch(), batch);
        assert.deepEqual([...until, ...(await train(second, total))], losses);
        assert.deepEqual(bits(second), bits(whole));
        assert.deepEqual(second.rows(), whole.rows());
        second.dispose();
      }
      whole.dispose();
    });
  }

  test('another model refuses it, and stays as it is', async () => {
    const first = training('003-lstm').create(unrolled, SMALL);
    await train(first, 30);
    const second = training('003-lstm').create(unrolled, { ...SMALL, hidden: 7 });
    const untouched = bits(second);
    assert.throws(() => second.restore(first.save()), unrolled.UnrolledError);
    assert.equal(second.done(), 0);
    assert.deepEqual(bits(second), untouched);
    first.dispose();
    second.dispose();
  });
});

describe('steered', () => {
  test('by hand, the run is that of its changes', async () => {
    const steered = training('003-lstm').create(unrolled, SMALL);
    const losses = await train(steered, 10);
    steered.change('lr', 0.01);
    losses.push(...(await train(steered, 25)));
    assert.deepEqual(steered.change('loss', 'repaired'), STEERED.changes.slice(0, 2));
    losses.push(...(await train(steered, 60)));
    assert.deepEqual(steered.change('lr', 0.0005), STEERED.changes);
    losses.push(...(await train(steered, 100)));

    const repeated = training('003-lstm').create(unrolled, STEERED);
    assert.deepEqual(await train(repeated, 100), losses);
    assert.deepEqual(bits(repeated), bits(steered));
    const plain = training('003-lstm').create(unrolled, SMALL);
    assert.notDeepEqual(await train(plain, 100), losses);
    for (const session of [steered, repeated, plain]) session.dispose();
  });

  test('while it runs, from the step after the next on', async () => {
    const session = training('003-lstm').create(unrolled, SMALL);
    let changes;
    for await (const { step } of session.fit()) {
      if (step === 6) changes = session.change('loss', 'repaired');
      if (step === 30) break;
    }
    assert.deepEqual(changes, [{ step: 8, name: 'loss', value: 'repaired' }]);
    const repeated = training('003-lstm').create(unrolled, { ...SMALL, changes });
    await train(repeated, 31);
    assert.deepEqual(bits(repeated), bits(session));
    session.dispose();
    repeated.dispose();
  });

  test('a newer change replaces the ones of its name that lie ahead', async () => {
    const session = training('003-lstm').create(unrolled, STEERED);
    await train(session, 30);
    assert.deepEqual(session.change('lr', 0.002), [
      ...STEERED.changes.slice(0, 2),
      { step: 30, name: 'lr', value: 0.002 },
    ]);
    session.dispose();
  });

  test('a steered run is not held against the notebook', async () => {
    const session = training('003-lstm').create(unrolled, { epochs: 2 });
    await train(session, 25);
    assert.ok(session.rows().some(({ agrees }) => agrees));
    session.change('lr', 0.5);
    await train(session, 26);
    assert.ok(session.rows().every(({ agrees }) => agrees === null));
    session.dispose();
  });
});

test('questions and looks between steps leave the run as it is', async () => {
  for (const loss of ['printed', 'repaired']) {
    const asked = training('003-lstm').create(unrolled, { ...SMALL, loss });
    const left = training('003-lstm').create(unrolled, { ...SMALL, loss });
    await train(left, 60);
    assert.equal(asked.batch(), null);
    for await (const { step } of asked.fit()) {
      assert.ok(Number.isFinite(asked.predict([1, 2, 3, 4, 5])));
      const { inputs, targets, predictions, broadcast } = asked.batch();
      assert.equal(broadcast, loss === 'printed');
      assert.deepEqual([inputs.length, targets.length, predictions.length], [4, 4, 4]);
      inputs.forEach((row, k) => {
        assert.equal(
          row.reduce((sum, x) => sum + x),
          targets[k],
        );
        assert.ok(Math.abs(asked.predict(row) - predictions[k]) < 1e-3);
      });
      asked.save();
      if (step === 59) break;
    }
    assert.deepEqual(bits(asked), bits(left));
    asked.dispose();
    left.dispose();
  }
});

test('each epoch sees every sample once in its batches', async () => {
  const session = training('003-lstm').create(unrolled, { ...SMALL, hidden: 2 });
  const seen = [];
  for await (const { epoch } of session.fit()) {
    if (epoch === 2) break;
    seen.push(...session.batch().targets);
  }
  const sums = Array.from({ length: 100 }, (_, row) => 9 * row + 6);
  for (const epoch of [seen.slice(0, 100), seen.slice(100)]) {
    assert.deepEqual(
      epoch.sort((a, b) => a - b),
      sums,
    );
  }
  session.dispose();
});

test('every experiment gets on with the part of the library that the page has', async () => {
  const part = /** @type {import('../../web/experiments/types.js').Unrolled} */ (library);
  for (const experiment of experiments) {
    if (experiment.kind === 'check') {
      assert.ok(experiment.run(part).rows.length > 0, experiment.id);
      continue;
    }
    const { choices: rules } = experiment.params.find(({ name }) => name === 'optimizer');
    const cells = experiment.params.find(({ name }) => name === 'cell')?.choices ?? [{}];
    for (const { value: optimizer } of rules) {
      for (const { value: cell } of /** @type {any[]} */ (cells)) {
        const values = { optimizer, lr: 1e-9, hidden: 3, epochs: 1 };
        const session = experiment.create(part, cell ? { ...values, cell } : values);
        await train(session, 1);
        session.restore(session.save());
        assert.ok(Number.isFinite(session.predict([1, 2])));
        session.dispose();
      }
    }
  }
});

describe('as a program', () => {
  for (const [id, values] of /** @type {[string, Values][]} */ ([
    ['003-lstm', { epochs: 2 }],
    ['003-lstm', { ...STEERED, seed: 4294967295, cell: 'RNN', optimizer: 'SGD', lr: 1e-6 }],
    ['003-cell-training', { epochs: 1, changes: [{ step: 3, name: 'lr', value: 0.01 }] }],
  ])) {
    test(`${id}, ${JSON.stringify(values)}: as pasted, Node prints the digits of the session`, async () => {
      const { javascript } = training(id).code(values);
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module'], {
        cwd: ROOT,
        input: javascript,
        encoding: 'utf8',
      });
      const session = training(id).create(unrolled, values);
      const means = [];
      for await (const { epoch, epochLoss } of session.fit()) means[epoch] = epochLoss;
      session.dispose();
      const expected = means.map((mean, epoch) => `${epoch} ${mean.toPrecision(9)}\n`).join('');
      assert.equal(stdout, expected, stderr);
    });
  }

  test('in Python: everything that decides the run is in it', () => {
    const { python } = training('003-lstm').code({
      ...STEERED,
      seed: 77,
      cell: 'GRU',
      optimizer: 'AdamW',
      lr: 0.02,
    });
    for (const line of [
      'torch.manual_seed(77)',
      'self.rnn = nn.GRU(1, 6, num_layers=2, batch_first=True)',
      'self.fc = nn.Linear(6, 1)',
      'return self.fc(out[:, -1, :])',
      'inputs = torch.arange(1.0, 301).reshape(100, 3, 1)',
      'targets = inputs.sum(dim=(1, 2))',
      'batch_size=4, shuffle=True)',
      'torch.optim.AdamW(model.parameters(), lr=0.02)',
      'for epoch in range(4):',
      'if step == 10: optimizer.param_groups[0]["lr"] = 0.01',
      'if step == 25: repaired = True',
      'if step == 60: optimizer.param_groups[0]["lr"] = 0.0005',
      'loss_function(prediction.squeeze(1) if repaired else prediction, y)',
    ]) {
      assert.ok(python.includes(line), line);
    }
    // PyTorch draws in this order: weights when the model is made, then each epoch's shuffle
    assert.ok(python.indexOf('manual_seed') < python.indexOf('Model()'));
    assert.ok(python.indexOf('Model()') < python.indexOf('DataLoader(Tensor'));

    const plain = training('003-lstm').code({}).python;
    assert.match(plain, /loss_function\(prediction, y\) {2}# \[4, 1\] against \[4\]/);
    assert.match(
      training('003-lstm').code({ loss: 'repaired' }).python,
      /loss_function\(prediction\.squeeze\(1\), y\)$/m,
    );
    const cell = training('003-cell-training').code({}).python;
    assert.match(cell, /torch\.randn\(1, 300\)\)\n.*torch\.randn\(300, 300\)\)\n.*zeros\(300\)/);
    assert.match(cell, /arange\(1\.0, 30001\)\.reshape\(10000, 3, 1\)/);
  });
});
