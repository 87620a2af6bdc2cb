// What the hot calls leave to the garbage collector: the copy that they return, and next to nothing else.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';

/** A small Float32Array with its buffer, as V8 lays them out. */
const COPY = 256;
/** What may come besides: boxed numbers, a short array. */
const BESIDES = 256;

test('over 100,000 calls a hot path leaves its result to collect, and little else', () => {
  const script = new URL('./support/garbage.js', import.meta.url).pathname;
  const flags = ['--expose-gc', '--max-semi-space-size=512', '--min-semi-space-size=512'];
  const bytes = JSON.parse(
    execFileSync(process.execPath, [...flags, script], { encoding: 'utf8' }),
  );
  for (const [kind, left] of Object.entries(bytes)) {
    const copies = kind.startsWith('Trainer') ? 0 : COPY;
    // resolving a shape makes arrays
    const shapes = kind.includes('targetShape') ? 2 * BESIDES : 0;
    const allowed = copies + BESIDES + shapes;
    assert.ok(left < allowed, `${kind}: ${left} bytes a call, ${allowed} allowed`);
  }
});
