import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  ArgumentError,
  FormatError,
  NonFiniteError,
  OutOfMemoryError,
  ShapeError,
  StateError,
  UnrolledError,
} from 'unrolled';

const kinds = { ArgumentError, FormatError, OutOfMemoryError, ShapeError, StateError };

test('every error is an UnrolledError with a name of its own', () => {
  for (const [name, Class] of Object.entries(kinds)) {
    const error = new Class('the sentence');
    assert.ok(error instanceof UnrolledError && error instanceof Error);
    assert.deepEqual([error.name, Class.name], [name, name]);
    assert.ok(inspect(error).startsWith(`${name}: the sentence\n`)); // and nothing of minified names
    assert.equal(error.message, 'the sentence');
    assert.match(String(error.stack), /errors\.test\.js/);
    for (const Other of Object.values(kinds)) {
      assert.equal(error instanceof Other, Other === Class);
    }
  }
});

test('NonFiniteError says where', () => {
  const gradient = new NonFiniteError(7, 'fc.weight');
  assert.ok(gradient instanceof UnrolledError);
  assert.deepEqual(
    [gradient.name, gradient.step, gradient.parameter],
    ['NonFiniteError', 7, 'fc.weight'],
  );
  assert.match(gradient.message, /gradient of fc\.weight.*step 7/);
  const loss = new NonFiniteError(0, null);
  assert.equal(loss.parameter, null);
  assert.match(loss.message, /loss.*step 0/);
});
