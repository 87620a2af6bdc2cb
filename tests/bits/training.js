// The promise of bits: one training, 1,000 steps, and one hash of all it leaves behind, the same in
// every engine. tests/c/test_bits.c is the same training through the C functions, line for line.

/**
 * SHA-256 over the losses and the final weights. It stands once more in tests/c/test_bits.c; the two
 * are compared. A change of it is a decision, noted in CHANGELOG.md: from then on every user's seeds
 * give other digits.
 */
export const PROMISE = 'f15887b3bbfbd6d7519c0f2676cffa7f6b3cb8b625e6efc690ee831e51c3cdc0';

export const STEPS = 1000;
const SAMPLES = 63; // the last batch of an epoch is short: 7
const BATCH = 8;
const LENGTH = 7;
const INPUTS = 3;
const HIDDEN = 24;

/**
 * @typedef {{ hash: string, losses: number[] }} Trained
 *   hash: hexadecimal digits, of the losses in order, then the weights in the order of the state dict,
 *   each as the four bytes of a float32, the lowest first
 */

/**
 * @param {typeof import('unrolled')} unrolled  the library's names
 * @returns {Promise<Trained>}
 */
export async function training(unrolled) {
  const { Adam, DataLoader, init, LastStep, Linear, LSTM, MSELoss, Sequential, Trainer } = unrolled;
  await init();
  unrolled.manualSeed(20250929);
  const inputs = unrolled.randn(SAMPLES * LENGTH * INPUTS);
  const targets = unrolled.randn(SAMPLES);
  const model = new Sequential(
    new LSTM(INPUTS, HIDDEN, { numLayers: 2, dropout: 0.25, batchFirst: true }),
    new LastStep(),
    new Linear(HIDDEN, 1),
  );
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const trainer = new Trainer(model, { loss, optimizer, clipNorm: 0.5 });
  const data = new DataLoader({
    inputs,
    targets,
    samples: SAMPLES,
    batchSize: BATCH,
    shuffle: true,
  });

  /** @type {number[]} */
  const losses = [];
  for await (const progress of trainer.fit(data, { epochs: STEPS / data.length })) {
    losses.push(progress.loss);
  }
  const weights = Object.values(model.stateDict()).map((tensor) => tensor.data);
  for (const made of [trainer, optimizer, loss, model]) made.dispose();
  return { hash: await hash([losses, ...weights]), losses };
}

/** @param {ArrayLike<number>[]} lists */
async function hash(lists) {
  const bytes = new DataView(
    new ArrayBuffer(4 * lists.reduce((sum, { length }) => sum + length, 0)),
  );
  let at = 0;
  for (const list of lists) {
    for (let i = 0; i < list.length; i++, at += 4) bytes.setFloat32(at, list[i], true);
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
