// What was measured, as tables of text. Runs in Node and in pages.

/** @import { Check } from './timing.js' */
/** @import { Limits } from './limits.js' */
/** @import { Row } from './report.js' */

/** Three digits. @param {number | null | undefined} value */
export function digits(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/** @param {number | null | undefined} ms */
export function time(ms) {
  if (ms === null || ms === undefined) return '–';
  const size = Math.abs(ms);
  if (size < 0.9995) return `${digits(ms * 1000)} µs`;
  return size < 999.5 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`;
}

/** @param {number | null} part */
export const percent = (part) => (part === null ? '–' : `${digits(100 * part)} %`);

/** @param {number | null} count */
function bytes(count) {
  if (count === null) return '–';
  return count < 1e6 ? `${digits(count / 1e3)} kB` : `${digits(count / 1e6)} MB`;
}

/** @param {string} head  columns, by | @param {string[][]} rows @param {number} [left]  columns of words */
export function table(head, rows, left = 1) {
  const names = head.split('|');
  const all = [names, ...rows];
  const widths = names.map((_, i) => Math.max(...all.map((cells) => cells[i].length)));
  const pad = (/** @type {string} */ cell, /** @type {number} */ i) =>
    i < left ? cell.padEnd(widths[i]) : cell.padStart(widths[i]);
  const rule = widths.map((width) => '-'.repeat(width));
  return [names, rule, ...rows].map((cells) => cells.map(pad).join('  ').trimEnd()).join('\n');
}

/** @param {Limits | null} limits */
export function limitsText(limits) {
  if (!limits) return 'limits: not measured';
  const { gflops, bandwidth } = limits;
  const read = bandwidth.map(({ gigabytes }) => digits(gigabytes)).join(' / ');
  const sizes = bandwidth.map(({ megabytes }) => megabytes).join(' / ');
  return `limits: multiply and add ${digits(gflops)} GFLOP/s, reading ${read} GB/s at ${sizes} MB`;
}

/** @param {Row[]} rows */
function ownText(rows) {
  const cells = rows.map((row) =>
    row.error
      ? [row.id, row.error, ...Array(8).fill('')]
      : [
          row.id,
          time(row.median),
          time(row.p10),
          time(row.p90),
          digits(row.gflops),
          percent(row.ofPeak),
          digits(row.gigabytes),
          percent(row.ofBandwidth),
          bytes(row.memory),
          bytes(row.allowed),
        ],
  );
  const head = 'call|median|p10|p90|GFLOP/s|of peak|GB/s|of bandwidth|memory|allowed';
  return table(head, cells);
}

/** @param {Row[]} rows */
function phasesText(rows) {
  const cells = rows
    .filter(({ phases }) => phases)
    .map(({ id, median, phases }) => [
      id,
      ...[phases.forward, phases.backward, phases.gradients, phases.optimizer].flatMap((part) => [
        time(part),
        part === null ? '–' : percent(part / median),
      ]),
    ]);
  return table("phase|forward| |backward| |weights' gradients| |optimizer| ", cells);
}

/** @param {Row[]} rows */
function growthText(rows) {
  const cells = rows.map(({ id, median, gflops, ofPeak, picoseconds }) => [
    id,
    time(median),
    `${digits(picoseconds)} ps`,
    digits(gflops),
    percent(ofPeak),
  ]);
  return table('growth|median|a multiply-add|GFLOP/s|of peak', cells);
}

/** @param {Row} row @param {Row['peers'][number]} peer */
function peerCells(row, peer) {
  const { name, time: best, target, unfair } = peer;
  return peer.ways.map((way, i) => {
    const asked = way.median === best && target !== null;
    const verdict = way.median / row.median >= target?.least ? 'met' : 'MISSED';
    return [
      i ? '' : row.id,
      i ? '' : name,
      way.name,
      way.error ? 'failed' : time(way.median),
      way.error ? '' : `${digits(way.median / row.median)} ×`,
      asked ? `≥ ${target.least}${target.aim ? `, aim ${target.aim}` : ''}` : '',
      asked ? (unfair ? 'no verdict' : verdict) : '',
    ];
  });
}

/** @param {Row[]} rows */
function peersText(rows) {
  const cells = rows.flatMap((row) => row.peers.flatMap((peer) => peerCells(row, peer)));
  const unfair = rows.flatMap(({ peers }) => peers.filter((peer) => peer.unfair));
  const notes = new Set(unfair.map((peer) => `${peer.name}: ${peer.unfair}`));
  return [table('call|peer|way|median|ratio|target|', cells, 3), ...notes].join('\n');
}

/** @param {Check | undefined} check */
const values = (check = {}) =>
  Object.entries(check)
    .map(([name, value]) => `${name} ${value.toPrecision(8)}`)
    .join(', ');

/** @param {Row[]} rows */
function checksText(rows) {
  const verdict = (/** @type {boolean | null | undefined} */ good) =>
    good ? 'agrees' : good === false ? 'DIFFERS' : '';
  const cells = rows.flatMap((row) => [
    [row.id, 'unrolled', '', row.error ?? values(row.check), verdict(row.agrees)],
    ...row.peers.flatMap(({ name, ways: theirs }) =>
      theirs.map((way) => [
        '',
        name,
        way.name,
        way.error ?? values(way.check),
        verdict(way.agrees),
      ]),
    ),
  ]);
  return table('values|of|way|what came out|', cells, 4);
}

/** @param {any} here  see machine.js */
const machineText = ({ date, cpu, cpus, avx512, gigabytes, system, node }) =>
  `${date}: ${cpu}, ${cpus} CPUs${avx512 ? ' with AVX-512' : ''}, ${gigabytes} GB, ${system}, Node ${node}`;

/** @param {any} load  likewise */
function loadText({ loop, others, busy }) {
  const work = others === null ? '' : `, others kept ${digits(others)} CPUs busy`;
  const text = `load: the fixed loop took ${digits(loop.median / loop.fastest)} times its fastest${work}`;
  return busy ? `${text}\nTHE MACHINE IS BUSY: take no time below for what it can do` : text;
}

/** @param {any} result  of bench.js */
export function measureText({ machine: here, load, limits: found, rows, growth: grown }) {
  const parts = [[machineText(here), limitsText(found), loadText(load)].join('\n')];
  if (rows.length) parts.push(ownText(rows));
  if (rows.some(({ phases }) => phases)) parts.push(phasesText(rows));
  if (grown.length) parts.push(growthText(grown));
  const all = [...rows, ...grown];
  if (all.some(({ peers }) => peers.length)) {
    parts.push(peersText(all));
    if (here.avx512) {
      parts.push(
        'With AVX-512, the targets of W5, W6 and W7 to PyTorch are half of what they are with AVX2.',
      );
    }
  }
  parts.push(checksText(all));
  return parts.join('\n\n');
}

/** @param {any} result  of browser.js */
export function browserText({ browser, error, limits: found, rows }) {
  if (error) return `${browser}: ${error}`;
  const head = `${browser}\n${limitsText(found)}`;
  return [head, ownText(rows), phasesText(rows), checksText(rows)].join('\n\n');
}
