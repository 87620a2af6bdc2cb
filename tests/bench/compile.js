// Compiles limits.c with the Emscripten that ./build.sh uses, into build/bench.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @param {string} name  from here */
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

const ROOT = path('../../');
const SOURCE = path('limits.c');
const OUTPUT = `${ROOT}build/bench/limits.wasm`;
const FLAGS =
  '-O2 -DNDEBUG -std=c11 -Wall -Wextra -Wconversion -Werror -ffp-contract=off -msimd128 ' +
  '--no-entry -sFILESYSTEM=0 -sALLOW_MEMORY_GROWTH';

/** @returns {Uint8Array<ArrayBuffer> | null}  null without Emscripten: then limits are not measured */
export function compileLimits() {
  if (!existsSync(OUTPUT) || statSync(OUTPUT).mtimeMs < statSync(SOURCE).mtimeMs) {
    const sdks = [process.env.EMSDK, `${ROOT}.emsdk`].filter(Boolean);
    const paths = [process.env.PATH, ...sdks.map((sdk) => `${sdk}/upstream/emscripten`)];
    mkdirSync(path('../../build/bench'), { recursive: true });
    try {
      execFileSync('emcc', [...FLAGS.split(' '), `-I${ROOT}src`, SOURCE, '-o', OUTPUT], {
        env: { ...process.env, PATH: paths.join(delimiter) },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    } catch (error) {
      if (error.code === 'ENOENT') return null;
      throw error;
    }
  }
  return new Uint8Array(readFileSync(OUTPUT));
}
