// The picture at the top: an LSTM with 16 units learns to say the next value of a wave, then goes on
// by itself. Runs in the worker; no page in here.

const UNITS = 16;
const SEEN = 96; // values it learns from
const AHEAD = 64; // values it then makes up
const STEPS = 400;
const PICTURE = 40; // ms between two pictures
const SLICE = 2; // training steps between two looks at the clock

/** @param {number} t */
const wave = (t) => 0.6 * Math.sin((2 * Math.PI * t) / 32) + 0.3 * Math.sin((2 * Math.PI * t) / 12);

/**
 * @typedef {object} WavePicture
 * @property {number} step
 * @property {number} steps
 * @property {number} loss
 * @property {number} stepsPerSecond of training alone, pauses and pictures not counted
 * @property {number} seen how many of the values were given
 * @property {number[]} truth
 * @property {number[]} guess one for each value of truth, from the second on
 */

/**
 * @param {typeof import('unrolled')} unrolled
 * @param {number} seed
 * @param {(picture: WavePicture) => unknown} onPicture
 */
export async function fitWave(unrolled, seed, onPicture) {
  const { Adam, LSTM, Linear, MSELoss, Sequential, Trainer, manualSeed, noGrad } = unrolled;
  manualSeed(seed);
  const lstm = new LSTM(1, UNITS);
  const head = new Linear(UNITS, 1);
  const model = new Sequential(lstm, head);
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters(), { lr: 0.005 });
  const trainer = new Trainer(model, { loss, optimizer });

  const truth = Array.from({ length: SEEN + AHEAD }, (_, t) => wave(t));
  const input = Float32Array.from(truth.slice(0, SEEN - 1));
  const target = Float32Array.from(truth.slice(1, SEEN));

  const guess = () =>
    noGrad(() => {
      lstm.resetState();
      const said = [];
      for (let t = 0; t < SEEN + AHEAD - 1; t += 1) {
        const x = t < SEEN ? truth[t] : said[t - 1];
        said.push(head.forward(lstm.step(Float32Array.of(x)))[0]);
      }
      return said;
    });

  let busy = 0; // ms spent on training
  let newest = Number.NaN;
  for (let step = 0; step < STEPS; ) {
    const start = performance.now();
    for (let i = 0; i < SLICE && step < STEPS; i += 1, step += 1) {
      newest = trainer.step(input, target);
    }
    busy += performance.now() - start;
    const speed = { step, steps: STEPS, loss: newest, stepsPerSecond: (step / busy) * 1000 };
    await onPicture({ ...speed, seen: SEEN, truth, guess: guess() });
    await new Promise((resolve) => setTimeout(resolve, PICTURE));
  }
  for (const owner of [trainer, optimizer, loss, model]) owner.dispose();
}
