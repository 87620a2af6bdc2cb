// Loaded before the library (node --import): every call into its core first makes the memory grow, so that
// each view of it that was not made anew is detached. From 16 MiB on it stays as large as it is, and its
// views are detached all the same. A process says at its end how often, in the file $UNROLLED_GROWN.

import { appendFileSync } from 'node:fs';

/** Detaching a larger memory takes the engine long. */
const ENOUGH = 2 ** 24;
/**
 * Finding a place takes no memory (tests/c/test_faults.c): views of parameters may be looked at side by
 * side, and be gradients for the forward that waits.
 */
const LOOKS = ['parameter', 'pending', 'loss_pending'];
let calls = 0;

/** @type {(source: any, imports: any) => Promise<any>} */
const instantiate = WebAssembly.instantiate;
/** @type {any} */ (WebAssembly).instantiate = async (source, imports) => {
  const instance = await instantiate(source, imports);
  if (!instance.exports?.trainer_step) return instance; // another's, or with its module
  const memory = /** @type {WebAssembly.Memory} */ (instance.exports.memory);
  const grow = () => {
    calls++;
    const before = memory.buffer;
    memory.grow(before.byteLength < ENOUGH ? 1 : 0);
    if (memory.buffer === before || before.byteLength !== 0)
      throw new Error('nothing was detached');
  };
  const exports = Object.fromEntries(
    Object.entries(instance.exports).map(([name, value]) => {
      if (typeof value !== 'function' || LOOKS.includes(name)) return [name, value];
      const grown = (...args) => {
        grow();
        return value(...args);
      };
      return [name, grown];
    }),
  );
  return { exports };
};

process.on('exit', () => {
  if (calls > 0) appendFileSync(String(process.env.UNROLLED_GROWN), `${calls}\n`);
});
