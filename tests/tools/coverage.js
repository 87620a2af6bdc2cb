// What of src/ the native tests reach: node tests/tools/coverage.js build/coverage/coverage.json
// Prints lines and branches of each file. Fails below 95 % of the branches, for a branch that is not reached
// nor listed in tests/uncovered.txt, and for a line there that is reached after all.

import { readFileSync } from 'node:fs';

const LEAST = 95;
const LIST = new URL('../uncovered.txt', import.meta.url);
const ROOT = new URL('../../', import.meta.url).pathname;
// Places in llvm-cov's arrays: https://llvm.org/docs/CommandGuide/llvm-cov.html
const [LINE, COLUMN, , , TRUE, FALSE] = [0, 1, 2, 3, 4, 5];

const { data } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
/** @type {Map<string, string>} 'file: source line' to the reason */
const reasons = new Map();
for (const line of readFileSync(LIST, 'utf8').split('\n')) {
  if (line === '' || line.startsWith('#')) continue;
  const [place, reason] = line.split(' # ');
  if (!reason) throw new Error(`tests/uncovered.txt: no reason after " # " in: ${line}`);
  reasons.set(place.trim(), reason);
}

const percent = (part, of) => (of ? ((100 * part) / of).toFixed(2).padStart(7) : '      -');
const sum = { lines: [0, 0], branches: [0, 0] };
const missing = new Set();
const used = new Set();

console.log(`${'file'.padEnd(22)}  lines %  branches %`);
for (const { filename, branches, summary } of data[0].files) {
  const name = filename.replace(ROOT, '').replace(/^.*?(?=src\/)/, '');
  const source = readFileSync(new URL(name, new URL('../../', import.meta.url)), 'utf8').split(
    '\n',
  );
  // The same branch stands there once for each program and expansion: it counts when one has reached it.
  const sides = new Map();
  for (const branch of branches) {
    for (const side of [TRUE, FALSE]) {
      const key = `${branch[LINE]}:${branch[COLUMN]}:${side}`;
      sides.set(key, Math.max(sides.get(key) ?? 0, branch[side]));
    }
  }
  let reached = 0;
  for (const [key, count] of sides) {
    if (count > 0) {
      reached++;
      continue;
    }
    const [line, , side] = key.split(':').map(Number);
    const place = `${name}: ${source[line - 1].trim()}`;
    if (reasons.has(place)) used.add(place);
    else missing.add(`${place}    (line ${line}, never ${side === TRUE ? 'true' : 'false'})`);
  }
  const { covered, count } = summary.lines;
  sum.lines[0] += covered;
  sum.lines[1] += count;
  sum.branches[0] += reached;
  sum.branches[1] += sides.size;
  console.log(`${name.padEnd(22)} ${percent(covered, count)} ${percent(reached, sides.size)}`);
}
const share = (100 * sum.branches[0]) / sum.branches[1];
console.log(`${'all'.padEnd(22)} ${percent(...sum.lines)} ${percent(...sum.branches)}`);
console.log(`${used.size} lines have a branch that is not reached, each with its reason`);

const stale = [...reasons.keys()].filter((place) => !used.has(place));
for (const place of missing) console.error(`not reached, and not in tests/uncovered.txt: ${place}`);
for (const place of stale) console.error(`in tests/uncovered.txt, but reached or gone: ${place}`);
if (missing.size || stale.length || share < LEAST) process.exitCode = 1;
