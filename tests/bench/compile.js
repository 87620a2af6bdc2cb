// Compiles, with the Emscripten that ./build.sh uses, into build/bench: limits.c, and the library
// without its gradients of weights.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @param {string} name  from here */
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

const ROOT = path('../../');
const OUTPUT = `${ROOT}build/bench`;
const FLAGS =
  '-O2 -DNDEBUG -std=c11 -Wall -Wextra -Wconversion -Werror -ffp-contract=off -msimd128 ' +
  '--no-entry -sFILESYSTEM=0 -sALLOW_MEMORY_GROWTH';

/** As build.sh links. */
const LIBRARY =
  '-Os -Wl,-mllvm,-vectorize-loops=false -sTOTAL_STACK=65536 -sINITIAL_MEMORY=2MB -sMAXIMUM_MEMORY=4294901760 -sMALLOC=none';

/**
 * @param {string} name  of the output
 * @param {string[]} sources
 * @param {string} [more]  flags
 * @returns {string | null}  its path; null without Emscripten
 */
function compile(name, sources, more = '') {
  const output = `${OUTPUT}/${name}`;
  const changed = Math.max(...sources.map((source) => statSync(source).mtimeMs));
  if (existsSync(output) && statSync(output).mtimeMs > changed) return output;
  const sdks = [process.env.EMSDK, `${ROOT}.emsdk`].filter(Boolean);
  const paths = [process.env.PATH, ...sdks.map((sdk) => `${sdk}/upstream/emscripten`)];
  const flags = `${FLAGS} ${more}`.trim().split(' ');
  mkdirSync(OUTPUT, { recursive: true });
  try {
    execFileSync('emcc', [...flags, `-I${ROOT}src`, ...sources, '-o', output], {
      env: { ...process.env, PATH: paths.join(delimiter) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
  return output;
}

/** @returns {Uint8Array<ArrayBuffer> | null}  null without Emscripten: then limits are not measured */
export function compileLimits() {
  const output = compile('limits.wasm', [path('limits.c')]);
  return output && new Uint8Array(readFileSync(output));
}

/** @returns {string | null}  a path; null where the library was not built here */
export function compileWithoutGradients() {
  const built = `${ROOT}build/release`;
  if (!existsSync(built)) return null;
  const objects = readdirSync(built).map((file) => `${built}/${file}`);
  const wrap = '-Wl,--wrap=matmul_gradient';
  return compile('no_gradients.wasm', [path('no_gradients.c'), ...objects], `${LIBRARY} ${wrap}`);
}
