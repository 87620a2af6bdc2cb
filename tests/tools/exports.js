// Every export of the core is called with memory refused, and by the fuzzer: a new one must be, too.

import { readFileSync } from 'node:fs';

/** @param {string} path */
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const names = [...read('src/unrolled.h').matchAll(/^UNROLLED_API\((\w+)\)/gm)].map(
  ([, name]) => `unrolled_${name}`,
);
if (names.length < 30) throw new Error(`src/unrolled.h: only ${names.length} exports were found`);
for (const path of ['tests/c/test_faults.c', 'tests/fuzz/fuzz_api.c']) {
  const text = read(path);
  for (const name of names) {
    if (new RegExp(`\\b${name}\\b\\)?\\(`).test(text)) continue;
    console.error(`${path}: ${name} is not called there`);
    process.exitCode = 1;
  }
}
