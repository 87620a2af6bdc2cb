// The package as others get it: packed as `npm publish` would, and unpacked into the node_modules of
// projects in build/package, without a network.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const run = promisify(execFile);

/**
 * @typedef {object} Packed
 * @property {string} tarball  its path
 * @property {string} folder  where it lies unpacked
 * @property {string[]} files  what is in it
 * @property {(name: string, files: Record<string, string>) => Promise<string>} project
 *   a folder with these files and the package installed
 */

/**
 * @param {string} name  of a folder for these projects: test files run side by side
 * @returns {Promise<Packed>}
 */
export async function pack(name) {
  const base = join(root, 'build/package', name);
  await rm(base, { recursive: true, force: true });
  await mkdir(base, { recursive: true });
  // without scripts: what is packed is what the other tests saw
  const options = ['--ignore-scripts', '--no-dry-run', '--json', '--pack-destination', base];
  const { stdout } = await run('npm', ['pack', ...options], { cwd: root });
  const [{ filename, files }] = JSON.parse(stdout);
  const tarball = join(base, filename);
  await run('tar', ['-xzf', tarball, '-C', base]);
  const folder = join(base, 'package');
  return {
    tarball,
    folder,
    files: files.map(({ path }) => path),
    async project(name, contents) {
      const project = join(base, name);
      // files of their own, lest tools find those of this project further up
      const all = { 'package.json': '{ "private": true }', 'tsconfig.json': '{}', ...contents };
      for (const [path, text] of Object.entries(all)) {
        await mkdir(dirname(join(project, path)), { recursive: true });
        await writeFile(join(project, path), text);
      }
      await cp(folder, join(project, 'node_modules/unrolled'), { recursive: true });
      return project;
    },
  };
}

/** Two training steps, as a function of the library: the same anywhere. */
const TRAIN = `
function train(u) {
  u.manualSeed(7);
  const model = new u.Sequential(new u.LSTM(2, 3, { batchFirst: true }), new u.LastStep(), new u.Linear(3, 1));
  const optimizer = new u.Adam(model.parameters(), { lr: 0.1 });
  const trainer = new u.Trainer(model, { loss: new u.MSELoss(), optimizer });
  const [input, target] = [u.randn(2 * 4 * 2), u.randn(2)];
  return [1, 2].map(() => trainer.step(input, target, { batch: 2 }));
}`;

/** Its losses: the same bits everywhere. */
const LOSSES = [1.4524425268173218, 0.965812087059021];

/** @param {unknown} losses */
export function assertTrained(losses) {
  assert.deepEqual(losses, LOSSES);
}

/** An expression for the losses. @param {string} [init]  what init is called with */
export function training(init = '') {
  return `unrolled.init(${init}).then(() => { ${TRAIN}; return train(unrolled); })`;
}
