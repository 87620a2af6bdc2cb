// The trainings of notebook 003 as programs to take away: in Python for PyTorch, in JavaScript for this
// library. Both do what session.js does, and print the same numbers.

/** @import { Change, Code } from '../types.js' */

/**
 * @typedef {object} Program
 * @property {string} title
 * @property {number} seed
 * @property {number} epochs
 * @property {number} samples   rows of three numbers
 * @property {string} optimizer
 * @property {{ lr: number, loss?: string }} live
 * @property {Change[]} changes
 * @property {string} pythonModel      defines the class Model
 * @property {string} javascriptModel  defines the constant model
 * @property {string[]} names          that javascriptModel takes from the library
 * @property {string} [javascriptParameters]
 */

/**
 * Some lines in a program, each as deep as the place where they go.
 * @param {number} depth @param {string[]} lines
 */
const indented = (depth, lines) => lines.map((line) => `${' '.repeat(depth)}${line}\n`).join('');

/** @param {Program} program */
function python(program) {
  const { title, seed, epochs, samples, optimizer, live, changes, pythonModel } = program;

  const steered = changes.some(({ name }) => name === 'loss');
  const squeeze = steered ? 'prediction.squeeze(1) if repaired else prediction' : '';
  const whole = live.loss === 'printed' ? 'prediction' : 'prediction.squeeze(1)';
  const comment =
    live.loss === 'printed' && !steered ? '  # [4, 1] against [4] broadcasts to [4, 4]' : '';
  const follow = changes.map(({ step, name, value }) =>
    name === 'lr'
      ? `if step == ${step}: optimizer.param_groups[0]["lr"] = ${value}`
      : `if step == ${step}: repaired = ${value === 'repaired' ? 'True' : 'False'}`,
  );
  return `# ${title}: the run of this page in PyTorch.
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(${seed})


${pythonModel}


model = Model()
inputs = torch.arange(1.0, ${3 * samples + 1}).reshape(${samples}, 3, 1)
targets = inputs.sum(dim=(1, 2))
loader = DataLoader(TensorDataset(inputs, targets), batch_size=4, shuffle=True)
optimizer = torch.optim.${optimizer}(model.parameters(), lr=${live.lr})
loss_function = nn.MSELoss()

step = 0
${steered ? `repaired = ${live.loss === 'repaired' ? 'True' : 'False'}\n` : ''}for epoch in range(${epochs}):
    losses = []
    for x, y in loader:
${indented(8, follow)}        optimizer.zero_grad()
        prediction = model(x)
        loss = loss_function(${steered ? squeeze : whole}, y)${comment}
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        step += 1
    print(epoch, f"{sum(losses) / len(losses):.9g}")
`;
}

/** @param {Program} program */
function javascript(program) {
  const { title, seed, epochs, samples, optimizer, live, changes, javascriptModel } = program;
  const { javascriptParameters = 'model.parameters()' } = program;
  const names = ['DataLoader', 'init', 'MSELoss', 'manualSeed', 'Trainer', optimizer];
  const imports = [...new Set([...names, ...program.names])].sort((a, b) => (a < b ? -1 : 1));
  const shape = (/** @type {string | undefined} */ loss) =>
    loss === 'printed' ? '[-1]' : 'undefined';
  const follow = changes.map(({ step, name, value }) =>
    name === 'lr'
      ? `if (step === ${step}) optimizer.lr = ${value};`
      : `if (step === ${step}) targetShape = ${shape(String(value))};`,
  );
  return `// ${title}: the run of this page in Node. First: npm install unrolled
import {
${imports.map((name) => `  ${name},\n`).join('')}} from 'unrolled';

await init();
manualSeed(${seed});

${javascriptModel}

const inputs = Float32Array.from({ length: ${3 * samples} }, (_, k) => k + 1);
const targets = Float32Array.from(
  { length: ${samples} },
  (_, row) => inputs[3 * row] + inputs[3 * row + 1] + inputs[3 * row + 2],
);
const loader = new DataLoader({ inputs, targets, samples: ${samples}, batchSize: 4, shuffle: true });
const optimizer = new ${optimizer}(${javascriptParameters}, { lr: ${live.lr} });
const trainer = new Trainer(model, { loss: new MSELoss(), optimizer });

// answers have shape [4, 1]: against targets of shape [4], [-1], they broadcast to [4, 4]
let targetShape = ${shape(live.loss)};
let step = 0;
for (let epoch = 0; epoch < ${epochs}; epoch++) {
  let sum = 0;
  for (const { input, target, batch } of loader) {
${indented(4, follow)}    sum += trainer.step(input, target, { batch, targetShape });
    step++;
  }
  console.log(epoch, (sum / loader.length).toPrecision(9));
}
`;
}

/** @param {Program} program @returns {Code} */
export const code = (program) => ({ python: python(program), javascript: javascript(program) });
