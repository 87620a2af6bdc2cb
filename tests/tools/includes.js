// Checks the include direction of src/: a file includes its own header and headers of its own layer
// or of a lower one, so that each layer can be read without those above it.

import { readdirSync, readFileSync } from 'node:fs';

const LAYERS = [
  'unrolled base heap memory handle simd arena workspace',
  'elementwise vmath smath rng vector activate matmul_pack matmul_kernel matmul_tile matmul_small matmul',
  'module rnn lstm gru layer stack stream cell linear activation dropout select sequential call',
  'init loss loss_parts loss_regression loss_class criterion optim optim_clip parameters tuner trainer',
  'api api_modules api_learning',
].map((names) => names.split(' '));

/** @param {string} file */
const layerOf = (file) => LAYERS.findIndex((names) => names.includes(file.replace(/\.[ch]$/, '')));

const faults = [];
for (const file of readdirSync('src').filter((name) => /\.[ch]$/.test(name))) {
  const layer = layerOf(file);
  if (layer < 0) {
    faults.push(`src/${file} has no layer yet: name it in tests/tools/includes.js`);
    continue;
  }
  for (const [, header] of readFileSync(`src/${file}`, 'utf8').matchAll(/^#include "(.+)"/gm)) {
    if (layerOf(header) > layer) faults.push(`src/${file} includes ${header}, of a higher layer`);
  }
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
