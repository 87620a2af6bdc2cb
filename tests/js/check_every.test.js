// Every public call, with each of its arguments wrong in every way: the error is one of the library's
// own, it names the argument, and nothing has changed: no parameter, gradient, moment or schedule, no
// draw of the random stream, nothing made or freed, and a forward that waited still waits.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import * as unrolled from 'unrolled';
import * as inline from 'unrolled/inline';
import * as onnx from 'unrolled/onnx';
import manifest from 'unrolled/package.json' with { type: 'json' };
import * as torch from 'unrolled/torch';
import * as worker from 'unrolled/worker';

await unrolled.init(); // the table makes objects
const { ABSTRACT, CALLS, clear, keep, MAKERS, rightArguments, watched, wrongArguments } =
  await import('./support/calls.js');
const { closeRemote, REMOTE_CALLS, REMOTE_MAKERS, remoteClasses } = await import(
  './support/calls_worker.js'
);
const remote = await remoteClasses();
after(() => closeRemote());

const ALL = [...CALLS, ...REMOTE_CALLS];
/** @type {Record<string, () => any>} */
const makers = { ...MAKERS, ...REMOTE_MAKERS };

const { ArgumentError, getRngState, info, Module, Optimizer, ShapeError, UnrolledError } = unrolled;

/** All that a refused call must leave as it is. @param {any} self */
async function digest(self) {
  const hash = createHash('sha256').update(getRngState());
  for (const thing of [self, ...(watched.get(self) ?? [])]) {
    if (thing instanceof Module) {
      for (const { dataView, gradView } of thing.parameters())
        hash.update(dataView).update(gradView);
    } else if (thing instanceof Optimizer || typeof thing?.stateDict === 'function') {
      hash.update(JSON.stringify(await thing.stateDict()));
    }
    if (typeof thing?.saveCheckpoint === 'function') hash.update(await thing.saveCheckpoint()); // in a worker
  }
  const { liveObjects } = info();
  return `${hash.digest('hex')}, ${liveObjects} objects`;
}

/** @param {unknown} error @param {string} name */
function complaint(error, name) {
  if (!(error instanceof UnrolledError)) return `an error of another kind: ${error}`;
  if (!error.message.includes(name)) return `"${error.message}" does not name ${name}`;
  const refusal = error instanceof ArgumentError || error instanceof ShapeError;
  const says =
    /expected|unknown|missing|disposed|twice|does not|not their|only|cannot|do not|differ|not a state|put it into one|reset_after|not supported|no valid|not as many/;
  return refusal && !says.test(error.message)
    ? `"${error.message}" does not say what is wrong`
    : null;
}

let cases = 0;
for (const call of ALL) {
  test(call.name, async (t) => {
    t.mock.method(console, 'warn', () => {});
    const self = call.maker ? keep(await makers[call.maker]()) : null;
    call.prepare?.(self);
    const misses = [];
    for (const { what, name, list } of wrongArguments(call)) {
      const given = list();
      const before = await digest(self);
      cases++;
      try {
        await call.run(self, given);
        misses.push(`${what}: no error`);
      } catch (error) {
        const wrong = complaint(error, name);
        if (wrong) misses.push(`${what}: ${wrong}`);
      }
      if ((await digest(self)) !== before) misses.push(`${what}: something has changed`);
    }
    if (!call.refused) await call.run(self, rightArguments(call)); // the right ones are right
    await clear();
    assert.deepEqual(misses, []);
  });
}

test('what is not the object it should be called on, or was disposed', async () => {
  const unbound = { name: 'ArgumentError', message: /the library made/ };
  const dead = { name: 'StateError', message: /disposed|closed/ };
  for (const call of ALL.filter(({ maker, refused }) => maker && !refused)) {
    const one = await makers[call.maker]();
    const key = call.name.split('.')[1];
    const end = one.dispose ?? one.close;
    if (!end || key === end.name) continue;
    const { get, set, value } = find(one, key);
    for (const way of [get, set, value].filter(Boolean)) {
      const on = async (self) => {
        const result = way.apply(self, rightArguments(call));
        return typeof result?.next === 'function' ? await result.next() : result;
      };
      for (const foreign of [undefined, null, {}, Object.create(Object.getPrototypeOf(one))]) {
        await assert.rejects(() => on(foreign), unbound, call.name);
      }
      keep(one);
      await end.call(one);
      await assert.rejects(() => on(one), dead, call.name);
    }
    await clear();
  }
});

/** The property of an object or of what it inherits from. @param {any} object @param {string} key */
function find(object, key) {
  let at = object;
  while (!Object.hasOwn(at, key)) at = Object.getPrototypeOf(at);
  return /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(at, key));
}

test('every export and every method of it is in the table', (t) => {
  const known = new Set(ALL.map(({ name }) => name));
  const missing = publicNames().filter((name) => !known.has(name));
  assert.deepEqual(missing, []);
  const { init, ...same } = inline;
  const { init: other, ...library } = unrolled;
  assert.deepEqual(same, library, 'unrolled/inline is the library');
  assert.ok(init !== other && known.has('unrolled/inline init'));
  assert.ok(cases > 10_000, `${cases}`);
  t.diagnostic(`${ALL.length} calls, ${cases} wrong arguments`);
});

/** Not for users: for classes beneath, or without a word to say. */
const INSIDE = new Set(['constructor', 'namedChildren', 'next']);
/** Read, never given anything. */
const READ_ONLY = new Set(['training', 'batchFirst']);

/** What package.json exports. */
const ENTRIES = [
  ...['.', './onnx', './torch', './inline', './worker'],
  ...['./unrolled.wasm', './package.json'],
];

/** 'rand', 'LSTM', 'LSTM.forward', 'initialize.zeros', … */
function publicNames() {
  assert.deepEqual(Object.keys(manifest.exports), ENTRIES);
  const names = [];
  const all = { ...unrolled, ...torch, ...onnx, ...worker, ...remote };
  for (const [name, value] of Object.entries(/** @type {Record<string, any>} */ (all))) {
    if (value === UnrolledError || value.prototype instanceof UnrolledError) continue;
    if (typeof value === 'object') {
      names.push(...Object.keys(value).map((key) => `${name}.${key}`));
      continue;
    }
    if (!Object.hasOwn(remote, name)) names.push(name); // those only openWorker makes
    if (ABSTRACT.includes(name) && name !== 'Parameter') continue; // its kinds have what it has
    for (let at = value.prototype; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      for (const key of Reflect.ownKeys(at)) {
        if (key === Symbol.iterator) names.push(`${name}.iterator`);
        if (typeof key === 'symbol' || INSIDE.has(key) || READ_ONLY.has(key)) continue;
        names.push(`${name}.${key}`);
      }
    }
  }
  return [...new Set(names)];
}
