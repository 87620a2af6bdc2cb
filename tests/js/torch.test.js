import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { unzipSync, zipSync } from 'fflate';
import {
  Adam,
  ArgumentError,
  FormatError,
  init,
  Linear,
  LSTM,
  Sequential,
  ShapeError,
  UnrolledError,
} from 'unrolled';
import { loadTorch, saveTorch } from 'unrolled/torch';
import { assertClose, assertSame } from './support/compare.js';
import { casesOf, readBytes, readJson, readTensors } from './support/fixtures.js';
import { generator, values } from './support/numeric.js';
import {
  archive,
  bytesOf,
  call,
  dict,
  floats,
  global,
  int,
  legacy,
  list,
  little,
  pickle,
  storage,
  tensor,
  text,
  tuple,
} from './support/pickles.js';

// Reading and writing needs no WebAssembly: init() is called only where a module is made.

/** Whatever is inside: the tests know. @type {(bytes: Uint8Array) => any} */
const load = loadTorch;

/**
 * All tensors, and all other leaves, by key path; an empty container is a leaf. As
 * tests/fixtures/recipe/files.py names them.
 * @param {any} value
 * @param {string} [path]
 * @param {{ tensors: Map<string, any>, others: Record<string, unknown> }} [found]
 */
function flatten(value, path = '', found = { tensors: new Map(), others: {} }) {
  const inside = path ? `${path}.` : '';
  if (value?.data instanceof Float32Array) found.tensors.set(path, value);
  else if (typeof value === 'object' && value !== null && Object.keys(value).length) {
    for (const [key, item] of Object.entries(value)) flatten(item, inside + key, found);
  } else found.others[path] = value;
  return found;
}

/** @param {any} value */
function assertNoPrototypes(value) {
  if (typeof value !== 'object' || value === null || value.data instanceof Float32Array) return;
  if (!Array.isArray(value)) assert.equal(Object.getPrototypeOf(value), null);
  Object.values(value).forEach(assertNoPrototypes);
}

const recorded = casesOf('files').filter(({ kind }) => kind === 'checkpoint');

describe('files of PyTorch 1.13 are read as PyTorch reads them', () => {
  let tensorsRead = 0;
  for (const { name, file, config } of recorded) {
    test(`${name}: ${config.note}`, () => {
      const value = load(readBytes(config.pt));
      const { tensors, others } = flatten(value);
      const expected = readTensors(readBytes(file)).tensors;
      assert.deepEqual([...tensors.keys()].sort(), [...expected.keys()].sort());
      for (const [key, { shape, data }] of expected) {
        assert.deepEqual([...tensors.get(key).shape], shape, key);
        assertSame(
          tensors.get(key).data,
          Float32Array.from(/** @type {any} */ (data), Number),
          key,
        );
        tensorsRead++;
      }
      assert.deepEqual(others, config.values);
      assertNoPrototypes(value);
    });
  }
  test('all 9', (t) => {
    assert.equal(recorded.length, 9);
    t.diagnostic(`${tensorsRead} tensors`);
  });

  test('a tensor in several places is one object', () => {
    const { base, same, transposed } = load(readBytes('files/views.pt'));
    assert.equal(base, same);
    assert.notEqual(base.data.buffer, transposed.data.buffer);
  });

  test('a model and its optimizer go on from a checkpoint', async () => {
    await init();
    const checkpoint = load(readBytes('files/nested.pt'));
    const { weight_ih_l0: first, weight_ih_l1_reverse: last } = Object.fromEntries(
      Object.entries(checkpoint.model).map(([name, t]) => [name.replace('rnn.', ''), t]),
    );
    const [rows, inputs] = /** @type {any} */ (first).shape;
    const options = { numLayers: 2, bidirectional: last !== undefined };
    const [outputs, features] = checkpoint.model['fc.weight'].shape;
    const model = new Sequential({
      rnn: new LSTM(inputs, rows / 4, options),
      fc: new Linear(features, outputs),
    });
    assert.deepEqual(model.loadStateDict(checkpoint.model), { missing: [], unexpected: [] });
    const optimizer = new Adam(model.parameters(), { lr: 0.5 });
    optimizer.loadStateDict(checkpoint.optimizer);
    assert.equal(optimizer.lr, 0.001);
    const state = /** @type {any} */ (optimizer.stateDict());
    assertSame(state.state[0].exp_avg.data, checkpoint.optimizer.state[0].exp_avg.data, 'exp_avg');
    optimizer.dispose();
    model.dispose();
  });
});

describe('broken and hostile files are refused', () => {
  const { files } = readJson('files/bad/index.json');
  const mine = files.filter(({ file }) => file.endsWith('.pt'));
  /** What the message must say. @type {Record<string, RegExp>} */
  const words = {
    'os_system.pt': /posix\.system/,
    'os_system_nested.pt': /os\.system/,
    'builtins_eval.pt': /eval/,
    'stack_global.pt': /posix\.system/,
    'legacy_os_system.pt': /posix\.system/,
    'whole_model.pt': /torch\.nn\.modules\.linear\.Linear.*state_dict/,
    'missing_storage.pt': /storage "0" is missing/,
    'short_storage.pt': /8 bytes, expected 24/,
    'size_too_big.pt': /beyond its storage/,
    'offset_too_big.pt': /beyond its storage/,
  };
  for (const { file, base64, bytes: length } of mine) {
    test(file, () => {
      const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
      assert.equal(bytes.length, length);
      assert.throws(() => loadTorch(bytes), FormatError);
      if (words[file]) assert.throws(() => loadTorch(bytes), { message: words[file] });
    });
  }
  test('all 15 recorded ones', () => assert.equal(mine.length, 15));
});

/** @param {...import('./support/pickles.js').Part} parts  one value */
const loadValue = (...parts) => load(archive(pickle(...parts)));

/** Refused, in both formats. @param {Uint8Array} program @param {RegExp} message */
function assertRefused(program, message) {
  for (const file of [archive(program, { 0: floats([1, 2, 3, 4, 5, 6]) }), legacy(program)]) {
    assert.throws(() => load(file), { name: 'FormatError', message });
  }
}

describe('whatever a pickle names but tensors do not need is refused by name', () => {
  const names = [
    ...['os.system', 'posix.system', 'nt.system', 'subprocess.Popen', 'builtins.eval'],
    ...['__builtin__.eval', 'builtins.exec', 'builtins.getattr', 'builtins.__import__'],
    ...['builtins.print', 'builtins.object', 'builtins.bytearray', 'builtins.complex'],
    ...['operator.attrgetter', 'functools.partial', 'importlib.import_module', 'runpy._run_code'],
    ...['_codecs.encode', 'collections.defaultdict', 'copyreg._reconstructor', 'sys.modules'],
    ...['torch.load', 'torch.hub.load', 'torch.storage._load_from_bytes', 'torch.jit.load'],
    ...['torch.nn.modules.rnn.LSTM', '__main__.Model', 'torch.complex64', 'torch.float8_e5m2'],
    ...['torch._utils._rebuild_sparse_tensor', 'torch._utils._rebuild_qtensor'],
    ...[
      'torch._utils._rebuild_wrapper_subclass',
      'torch.ComplexFloatStorage',
      'torch.QInt8Storage',
    ],
    ...['numpy.core.multiarray._reconstruct', 'numpy.core.multiarray.scalar', 'numpy.dtype'],
    ...[
      'constructor.constructor',
      '__proto__.__proto__',
      'toString.call',
      'collections.constructor',
    ],
    ...['.', 'a.', '.a', 'collections.OrderedDict.x', 'collections.orderedDict'],
  ];
  for (const name of names) {
    test(name, () => {
      const shown = new RegExp(JSON.stringify(name).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      const dot = name.lastIndexOf('.');
      const halves = bytesOf(text(name.slice(0, dot)), text(name.slice(dot + 1)), [0x93]);
      for (const named of [global(name), halves]) {
        assertRefused(pickle(named), shown);
        assertRefused(pickle(named, tuple(text('echo no')), 'R'), shown);
        assertRefused(pickle(named, ')', [0x81]), shown);
        assertRefused(pickle(dict(text('w'), bytesOf(named, ')R'))), shown);
        assertRefused(
          pickle(global('collections.OrderedDict'), ')R', dict(text('a'), named), 'b'),
          shown,
        );
      }
    });
  }

  test('the name is shown as a name, however long or odd', () => {
    const long = `os.${'x'.repeat(1e5)}`;
    assert.throws(
      () => loadValue(global(long)),
      (/** @type {any} */ error) => {
        assert.ok(error instanceof FormatError);
        assert.ok(error.message.length < 500);
        return true;
      },
    );
    assertRefused(pickle(text('os\n\x1b[31m'), text('system'), [0x93]), /os\\n\\u001b/);
  });

  test('what may be named may only be used as it is meant', () => {
    assertRefused(pickle(global('torch.FloatStorage'), ')R'), /calls torch\.FloatStorage/);
    assertRefused(pickle(global('torch.Tensor'), ')R'), /calls torch\.Tensor/);
    assertRefused(pickle(global('collections.OrderedDict')), /collections\.OrderedDict itself/);
    assertRefused(pickle(list(global('torch.FloatStorage'))), /torch\.FloatStorage itself/);
    assertRefused(pickle(storage(6)), /a storage by itself/);
    assertRefused(pickle(text('os.system'), ')R'), /cannot be called/);
    assertRefused(pickle(global('torch.float32'), ')R'), /cannot be called/);
    assertRefused(pickle(global('collections.OrderedDict'), 'NR'), /without arguments/);
    assertRefused(
      pickle(
        call(
          'torch._tensor._rebuild_from_type_v2',
          global('torch._tensor._rebuild_from_type_v2'),
          global('torch.Tensor'),
          ')N',
        ),
      ),
      /class of its own/,
    );
    assertRefused(
      pickle(
        call(
          'torch._tensor._rebuild_from_type_v2',
          global('builtins.set'),
          global('torch.Tensor'),
          ')N',
        ),
      ),
      /class of its own/,
    );
  });
});

describe('opcodes that no state dict needs are refused by name', () => {
  const opcodes = {
    ...{ F: 'FLOAT', P: 'PERSID', S: 'STRING', V: 'UNICODE', B: 'BINBYTES', C: 'SHORT_BINBYTES' },
    ...{ d: 'DICT', g: 'GET', i: 'INST', l: 'LIST', o: 'OBJ', p: 'PUT' },
    ...{ '\x81': 'NEWOBJ', '\x82': 'EXT1', '\x83': 'EXT2', '\x84': 'EXT4', '\x8b': 'LONG4' },
    ...{ '\x8e': 'BINBYTES8', '\x92': 'NEWOBJ_EX', '\x96': 'BYTEARRAY8', '\x97': 'NEXT_BUFFER' },
    ...{ '\x98': 'READONLY_BUFFER' },
  };
  for (const [opcode, name] of Object.entries(opcodes)) {
    test(name, () => {
      assertRefused(pickle(opcode, '1\n2\n3\n'), new RegExp(`opcode ${name} `));
    });
  }
  test('and so is every byte that is none', () => {
    const known =
      '().012GIJKLMNQRTUX]abcehjqrstu}' +
      '\x80\x85\x86\x87\x88\x89\x8a\x8c\x8d\x8f\x90\x91\x93\x94\x95';
    for (let byte = 0; byte < 256; byte++) {
      const opcode = String.fromCharCode(byte);
      if (known.includes(opcode) || opcode in opcodes) continue;
      assertRefused(pickle([byte]), new RegExp(`opcode 0x${byte.toString(16)} `));
    }
  });
});

describe('plain values', () => {
  for (const [what, program, expected] of /** @type {[string, Uint8Array, unknown][]} */ ([
    ['None', pickle('N'), null],
    ['True', pickle([0x88]), true],
    ['False', pickle([0x89]), false],
    ['a byte', pickle('K', [255]), 255],
    ['two bytes', pickle('M', [1, 255]), 0xff01],
    ['a negative integer', pickle(int(-5)), -5],
    ['2^40', pickle(int(2 ** 40)), 2 ** 40],
    ['-2^40', pickle(int(-(2 ** 40))), -(2 ** 40)],
    ['0 without bytes', pickle([0x8a, 0]), 0],
    ['2^53 - 1', pickle([0x8a, 7, ...new Array(6).fill(255), 31]), 2 ** 53 - 1],
    ['2^53', pickle([0x8a, 7, 0, 0, 0, 0, 0, 0, 32]), 2n ** 53n],
    ['-2^63', pickle([0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 128]), -(2n ** 63n)],
    ['an integer as text', pickle('I-12\n'), -12],
    ['a long as text', pickle('L12345678901234567890L\n'), 12345678901234567890n],
    ['False and True as text', pickle('(I00\nI01\nt'), [false, true]],
    ['a float', pickle('G', [0x3f, 0xf8, 0, 0, 0, 0, 0, 0]), 1.5],
    ['NaN', pickle('G', [0x7f, 0xf8, 0, 0, 0, 0, 0, 0]), NaN],
    ['text', pickle(text('ünïcödé 🙂')), 'ünïcödé 🙂'],
    ['short text', pickle([0x8c, 2], 'ab'), 'ab'],
    ['text with a long length', pickle([0x8d], little(2, 8), 'ab'), 'ab'],
    ["Python 2's text", pickle('(U', [2], 'ab', 'T', little(2, 4), 'cdt'), ['ab', 'cd']],
    ['an empty list', pickle(']'), []],
    ['an empty tuple', pickle(')'), []],
    ['a list', pickle(list(int(1), int(2))), [1, 2]],
    ['a list of one', pickle(']', int(1), 'a'), [1]],
    ['tuples', pickle(int(1), [0x85], int(2), [0x86], int(3), int(4), [0x87]), [[[1], 2], 3, 4]],
    ['sets', pickle('(', [0x8f], '(K\x01', [0x90], '(K\x02', [0x91], 't'), [[1], [2]]],
    ["Python 2's set", pickle(call('__builtin__.set', list(int(1)))), [1]],
    ['a frozenset', pickle(call('builtins.frozenset', list(int(1)))), [1]],
    ['a torch.Size', pickle(call('torch.Size', tuple(int(2), int(3)))), [2, 3]],
    ['a torch.device', pickle(call('torch.device', text('cuda'), int(1))), 'cuda:1'],
    ['a torch.device without an index', pickle(call('torch.device', text('cpu'))), 'cpu'],
    ['a torch.dtype', pickle(global('torch.float64')), 'torch.float64'],
    [
      'the memo',
      pickle('(', int(7), 'q\x05h\x05r', little(300, 4), 'j', little(300, 4), [0x94], 'h\x02t'),
      [7, 7, 7, 7],
    ],
    ['what is dropped', pickle('(', int(1), int(2), '0', int(3), '2(', int(4), '1t'), [1, 3, 3]],
    ['a MARK that is dropped', pickle(int(1), '(0'), 1],
    ['a frame', bytesOf([0x80, 4, 0x95], little(3, 8), 'K\x07.'), 7],
    ['protocol 1, which has no head', bytesOf('K\x07.'), 7],
    ['protocol 5', bytesOf([0x80, 5], 'K\x07.'), 7],
  ])) {
    test(what, () => {
      assert.deepEqual(load(archive(program)), expected);
      assert.deepEqual(load(legacy(program)), expected);
    });
  }

  test('dicts: keys are text, numbers become text, attributes are left out', () => {
    const value = loadValue(
      global('collections.OrderedDict'),
      ')R(',
      ...[text('b'), int(1), int(0), int(2), int(-3), int(4)],
      'u',
      dict(text('_metadata'), dict(text('version'), int(1))),
      'b',
    );
    assert.deepEqual({ ...value }, { b: 1, 0: 2, '-3': 4 });
    assert.equal(Object.getPrototypeOf(value), null);
    assert.equal(loadValue('}', text('a'), int(1), 's').a, 1);
    const pairs = list(list(text('a'), int(1)), tuple(text('b'), list(int(2))));
    assert.deepEqual({ ...loadValue(call('collections.OrderedDict', pairs)) }, { a: 1, b: [2] });
    assert.deepEqual(
      { ...loadValue(call('collections.Counter', dict(int(30), int(1)))) },
      { 30: 1 },
    );
  });

  test('names of the prototype are names', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
    const items = names.flatMap((name) => [text(name), dict(text('polluted'), int(1))]);
    for (const value of [loadValue(dict(...items)), load(legacy(pickle(dict(...items))))]) {
      assert.deepEqual(Object.keys(value), names);
      assert.equal(Object.getPrototypeOf(value), null);
      for (const name of names) {
        assert.equal(Object.getOwnPropertyDescriptor(value, name).value.polluted, 1);
      }
    }
    assert.equal(/** @type {any} */ ({}).polluted, undefined, 'no prototype was touched');
    assert.equal(/** @type {any} */ ([]).polluted, undefined);
  });

  test('shared values stay shared', () => {
    const [a, b, c] = loadValue('(', list(int(1)), 'q\x00h\x00}', text('x'), 'h\x00st');
    assert.equal(a, b);
    assert.equal(c.x, a);
  });
});

describe('pickles that make no sense are refused', () => {
  for (const [what, program, message] of /** @type {[string, Uint8Array, RegExp][]} */ ([
    ['protocol 6', bytesOf([0x80, 6], 'N.'), /protocol 6/],
    ['nothing', new Uint8Array(0), /ends before/],
    ['only a STOP', pickle(), /empty stack/],
    ['two values', pickle('NN'), /in the middle/],
    ['an open MARK', pickle('(N'), /in the middle|empty stack/],
    ['a MARK that is not there', pickle('Nt'), /did not open/],
    ['a tuple of more than there is', pickle('N', [0x86]), /empty stack/],
    ['a tuple across a MARK', pickle('N(N', [0x86], 't'), /empty stack/],
    ['a POP of nothing', pickle('0'), /did not open/],
    ['an unknown memo', pickle('h\x05'), /refers to 5/],
    ['a memo of nothing', pickle('q\x05'), /empty stack/],
    ['appending to a tuple', pickle(')Na'), /no list/],
    ['appending to a dict', pickle('}Na'), /no list/],
    ['appending to a number', pickle('K\x01Na'), /no list/],
    ['items of a list', pickle(']NNs'), /no dict/],
    ['items of a tensor', pickle(tensor(storage(6), [6], [1]), text('data'), 'Ns'), /no dict/],
    ['attributes of a list', pickle(']}b'), /no dict/],
    ['attributes of a tensor', pickle(tensor(storage(6), [6], [1]), '}b'), /no dict/],
    ['a key without a value', pickle('}(', text('a'), 'u'), /without a value/],
    ['one key twice', pickle(dict(text('a'), 'N', text('a'), 'N')), /"a" comes twice/],
    ['one key as number and text', pickle(dict(int(1), 'N', text('1'), 'N')), /"1" comes twice/],
    ['a key of None', pickle(dict('N', 'N')), /neither text nor a number/],
    ['a key of True', pickle(dict([0x88], 'N')), /neither text nor a number/],
    ['a key that is a tuple', pickle(dict(')', 'N')), /neither text nor a number/],
    ['a tensor as key', pickle(dict(tensor(storage(6), [6], [1]), 'N')), /neither text/],
    ['text that is not UTF-8', pickle('X', little(2, 4), [0xff, 0xfe]), /UTF-8/],
    ['text that ends later', pickle('X', little(100, 4), 'ab'), /ends before/],
    ['text that ends 2^64 later', pickle([0x8d], new Array(8).fill(255), 'ab'), /ends before/],
    ['a frame that ends later', pickle([0x95], little(1000, 8), 'N'), /ends before/],
    ['a number that is none', pickle('Ixyz\n'), /integer that is none: "xyz"/],
    ['a number without an end', pickle('I123'), /ends before|none/],
    ['a number of a million digits', pickle(`I${'9'.repeat(1e6)}\n`), /integer that is none/],
    ['a name that is no text', pickle('NN', [0x93]), /no text/],
    ['a bad OrderedDict', pickle(call('collections.OrderedDict', int(3))), /OrderedDict/],
    ['a bad pair', pickle(call('collections.OrderedDict', list(list('N')))), /OrderedDict/],
    ['a bad set', pickle(call('builtins.set', text('abc'))), /set/],
    ['a bad Counter', pickle(call('collections.Counter', int(3))), /Counter/],
    ['a bad Size', pickle(call('torch.Size', tuple(text('a')))), /Size/],
    ['a bad device', pickle(call('torch.device', int(3))), /device/],
    ['a list in itself', pickle(']q\x00h\x00a'), /contains itself/],
    ['a dict in itself', pickle('}q\x00', text('a'), 'h\x00s'), /contains itself/],
    ['a tuple in itself', pickle(']q\x00h\x00', [0x85], 'a'), /contains itself/],
    ['a circle of three', pickle(']q\x00]q\x01]q\x02h\x00aaa'), /contains itself/],
    ['a list deeper than 512', pickle(']'.repeat(600), 'a'.repeat(599)), /deeper than 512/],
    ['a tuple 1e5 deep', pickle('N', '\x85'.repeat(1e5)), /deeper than 512/],
    [
      'a dict deeper than 512',
      pickle(...new Array(600).fill(bytesOf('}', text('a'))), '}', 's'.repeat(600)),
      /deeper/,
    ],
  ])) {
    test(what, () => assertRefused(program, message));
  }
  test('a pickle after the pickle', () => {
    assert.throws(() => load(archive(bytesOf(pickle('N'), 'N.'))), { message: /goes on/ });
  });
});

describe('what a pickle may ask for is bounded', () => {
  test('a billion laughs', () => {
    // l0 = []; l(n+1) = [ln, ln], forty times: 2^40 lists when written out, and a few bytes here
    const doubled = `]q\x00${'0](h\x00h\x00eq\x00'.repeat(40)}0h\x00`;
    assertRefused(pickle(doubled), /repeats itself/);
    const tuples = `)q\x00${'0h\x00h\x00\x86q\x00'.repeat(400)}0h\x00`;
    assertRefused(pickle(tuples), /repeats itself/);
  });
  test('a few laughs are fine', () => {
    let value = loadValue(`)q\x00${'0h\x00h\x00\x86q\x00'.repeat(10)}0h\x00`);
    for (let depth = 0; depth < 10; depth++) {
      assert.equal(value[0], value[1]);
      value = value[0];
    }
    assert.deepEqual(value, []);
  });
  /** @param {Uint8Array} program */
  const assertTooMuch = (program) =>
    assert.throws(() => load(archive(program)), {
      name: 'FormatError',
      message: /more than any checkpoint/,
    });
  test('containers, opcodes and copies', () => {
    assertTooMuch(pickle('(', ']'.repeat(6e5), 't'));
    assertTooMuch(pickle('(', '}'.repeat(6e5), 't'));
    assertTooMuch(pickle('(', 'N'.repeat(2 ** 23), 't'));
    const pairs = list(...new Array(1000).fill(0).map((_, i) => tuple(int(i), 'N')));
    const again = bytesOf('h\x00h\x01R0');
    assertTooMuch(
      pickle(
        global('collections.OrderedDict'),
        'q\x00',
        tuple(pairs),
        'q\x01',
        ...new Array(6000).fill(again),
        '0',
      ),
    );
  });
  test('tensors', () => {
    const args = tuple(storage(6), int(0), tuple(int(6)), tuple(int(1)));
    const many = (/** @type {number} */ n) =>
      pickle(
        global('torch._utils._rebuild_tensor'),
        'q\x00',
        args,
        'q\x01',
        '00](',
        'h\x00h\x01R'.repeat(n),
        'e',
      );
    const data = { 0: floats([1, 2, 3, 4, 5, 6]) };
    assert.equal(load(archive(many(65536), data)).length, 65536);
    assert.throws(() => load(archive(many(65537), data)), {
      name: 'FormatError',
      message: /65536 tensors/,
    });
  });
  test('values: an expanded tensor, or one storage many times', () => {
    const one = { 0: floats([7]) };
    for (const shape of [
      [2 ** 40],
      [2 ** 20, 2 ** 20],
      [2 ** 52, 2 ** 52],
      new Array(64).fill(2 ** 50),
    ]) {
      const strides = shape.map(() => 0);
      assert.throws(() => load(archive(pickle(tensor(storage(1), shape, strides)), one)), {
        name: 'FormatError',
        message: /too many for this file/,
      });
    }
    const expanded = load(archive(pickle(tensor(storage(1), [1000, 1000], [0, 0])), one));
    assert.equal(expanded.data.length, 1e6);
    assert.ok(expanded.data.every((/** @type {number} */ x) => x === 7));
    const wide = tensor(storage(1), [1000, 1000], [0, 0]);
    assert.throws(() => load(archive(pickle(list(wide, wide)), one)), { message: /too many/ });
  });
});

describe('tensors', () => {
  const six = { 0: floats([0, 1, 2, 3, 4, 5]) };
  const from = storage(6);

  test('of every layout', () => {
    for (const [
      shape,
      strides,
      offset,
      expected,
    ] of /** @type {[number[], number[], number, number[]][]} */ ([
      [[2, 3], [3, 1], 0, [0, 1, 2, 3, 4, 5]],
      [[3, 2], [1, 3], 0, [0, 3, 1, 4, 2, 5]],
      [[], [], 4, [4]],
      [[1], [1], 5, [5]],
      [[2], [5], 0, [0, 5]],
      [[2, 2], [0, 1], 2, [2, 3, 2, 3]],
      [[2, 2, 2], [0, 2, 1], 1, [1, 2, 3, 4, 1, 2, 3, 4]],
      [[2, 1, 3], [1, 99, 2], 0, [0, 2, 4, 1, 3, 5]],
      [[1, 1, 1, 1], [9, 9, 9, 9], 3, [3]],
      [[0], [1], 0, []],
      [[0, 3], [3, 1], 0, []],
      [[3, 0, 2 ** 50], [1, 1, 1], 100, []],
    ])) {
      for (const file of [
        archive(pickle(tensor(from, shape, strides, offset)), six),
        legacy(pickle(tensor(from, shape, strides, offset)), [['0', 6, six[0]]]),
      ]) {
        const { shape: got, data } = load(file);
        assert.deepEqual([...got], shape);
        assertSame(data, expected, `[${shape}] by [${strides}]`);
      }
    }
  });

  test('of every kind of call', () => {
    const plain = tensor(from, [6], [1]);
    const none = bytesOf(global('collections.OrderedDict'), ')R');
    const layout = [from, int(0), tuple(int(6)), tuple(int(1))];
    const v2 = [...layout, [0x89], none];
    for (const program of [
      call('torch._utils._rebuild_tensor', ...layout),
      call('torch._utils._rebuild_tensor_v2', ...v2, '}'),
      call('torch._utils._rebuild_tensor_v2', ...v2, dict(text('neg'), [0x89])),
      call('torch._utils._rebuild_parameter', plain, [0x88], none),
      call('torch._utils._rebuild_parameter_with_state', plain, [0x88], none, dict(text('a'), 'N')),
      call(
        'torch._tensor._rebuild_from_type_v2',
        global('torch._utils._rebuild_tensor_v2'),
        global('torch.Tensor'),
        tuple(...v2),
        dict(text('a'), 'N'),
      ),
    ]) {
      assertSame(load(archive(pickle(program), six)).data, [0, 1, 2, 3, 4, 5], 'data');
    }
  });

  test('of every type, in both byte orders', () => {
    /** @type {[type: string, size: number, write: (v: DataView, i: number, little: boolean) => void, expected: number[]][]} */
    const types = [
      ['Double', 8, (v, i, e) => v.setFloat64(8 * i, [1.5, -0.1][i], e), [1.5, -0.1]],
      ['Float', 4, (v, i, e) => v.setFloat32(4 * i, [1.5, -0.1][i], e), [1.5, -0.1]],
      ['Half', 2, (v, i, e) => v.setUint16(2 * i, [0x3e00, 0xfc00][i], e), [1.5, -Infinity]],
      ['BFloat16', 2, (v, i, e) => v.setUint16(2 * i, [0x3fc0, 0xff80][i], e), [1.5, -Infinity]],
      ['Long', 8, (v, i, e) => v.setBigInt64(8 * i, [-3n, 2n ** 40n][i], e), [-3, 2 ** 40]],
      ['Int', 4, (v, i, e) => v.setInt32(4 * i, [-3, 70000][i], e), [-3, 70000]],
      ['Short', 2, (v, i, e) => v.setInt16(2 * i, [-3, 700][i], e), [-3, 700]],
      ['Char', 1, (v, i) => v.setInt8(i, [-3, 7][i]), [-3, 7]],
      ['Byte', 1, (v, i) => v.setUint8(i, [253, 7][i]), [253, 7]],
      ['Bool', 1, (v, i) => v.setUint8(i, [0, 1][i]), [0, 1]],
    ];
    for (const [type, size, write, expected] of types) {
      for (const order of ['little', 'big']) {
        const data = new Uint8Array(2 * size);
        for (const i of [0, 1]) write(new DataView(data.buffer), i, order === 'little');
        const program = pickle(tensor(storage(2, { type: `torch.${type}Storage` }), [2], [1]));
        const more = { byteorder: bytesOf(order) };
        const what = `${type}, ${order}`;
        assertSame(
          load(archive(program, { 0: data }, { more })).data,
          Float32Array.from(expected),
          what,
        );
        if (order === 'little') {
          assertSame(
            load(legacy(program, [['0', 2, data]])).data,
            Float32Array.from(expected),
            what,
          );
        }
      }
    }
    const unknown = archive(pickle('N'), {}, { more: { byteorder: bytesOf('middle') } });
    assert.throws(() => load(unknown), { name: 'FormatError', message: /byte order "middle"/ });
  });

  test('of bytes whose type the tensor tells', () => {
    const bytes = storage(8, { type: 'torch.storage.UntypedStorage' });
    const of = (
      /** @type {string} */ dtype,
      /** @type {number} */ n,
      /** @type {number} */ offset = 0,
    ) =>
      pickle(
        call(
          'torch._utils._rebuild_tensor_v3',
          ...[bytes, int(offset), tuple(int(n)), tuple(int(1)), [0x89], '}', global(dtype)],
        ),
      );
    const data = { 0: new Uint8Array(Uint16Array.of(1, 65535, 3, 4).buffer) };
    assertSame(load(archive(of('torch.uint16', 4), data)).data, [1, 65535, 3, 4], 'uint16');
    assertSame(load(archive(of('torch.uint32', 1, 1), data)).data, [0x40003], 'uint32');
    assertSame(
      load(archive(of('torch.uint64', 1), data)).data,
      [Math.fround(0x40003ffff0001)],
      'uint64',
    );
    assert.throws(() => load(archive(of('torch.uint64', 2), data)), {
      message: /beyond its storage/,
    });
  });

  test('that reach beyond their storage, or make no sense', () => {
    for (const [shape, strides, offset] of /** @type {[number[], number[], number][]} */ ([
      [[7], [1], 0],
      [[6], [1], 1],
      [[1], [1], 6],
      [[], [], 6],
      [[2, 3], [4, 1], 0],
      [[2], [2 ** 50], 0],
      [[2, 2], [2 ** 53 - 1, 2 ** 53 - 1], 2 ** 53 - 1],
    ])) {
      assertRefused(pickle(tensor(from, shape, strides, offset)), /beyond its storage/);
    }
    for (const [shape, strides, offset] of [
      [[-1], [1], 0],
      [[2], [-1], 5],
      [[2], [1], -1],
      [[2, 3], [1], 0],
      [[1], [], 0],
      [new Array(65).fill(1), new Array(65).fill(1), 0],
    ]) {
      assertRefused(
        pickle(
          tensor(
            from,
            /** @type {any} */ (shape),
            /** @type {any} */ (strides),
            /** @type {any} */ (offset),
          ),
        ),
        /^torch: a tensor has/,
      );
    }
    const layout = [int(0), tuple(int(6)), tuple(int(1))];
    const rebuild = 'torch._utils._rebuild_tensor';
    assertRefused(pickle(call(rebuild)), /no storage/);
    assertRefused(pickle(call(rebuild, 'N', ...layout)), /no storage/);
    assertRefused(pickle(call(rebuild, from, 'N', layout[1], layout[2])), /offset/);
    assertRefused(pickle(call(rebuild, from, layout[0], text('6'), layout[2])), /shape/);
    assertRefused(pickle(call('torch._utils._rebuild_parameter', 'N', [0x88], '}')), /no tensor/);
    assertRefused(
      pickle(call('torch._utils._rebuild_tensor_v3', from, ...layout, 'N', 'N', 'N')),
      /dtype/,
    );
    for (const note of ['neg', 'conj']) {
      assertRefused(pickle(tensor(from, [6], [1], 0, dict(text(note), [0x88]))), /resolve_neg/);
    }
  });

  test('whose storage makes no sense', () => {
    const id = (/** @type {import('./support/pickles.js').Part[]} */ ...parts) =>
      pickle(tuple(...parts), 'Q');
    const type = global('torch.FloatStorage');
    for (const program of [
      pickle('NQ'),
      pickle(text('0'), 'Q'),
      id(),
      id(text('module'), type, text('0'), text('cpu'), int(6)),
      id(text('storage'), text('torch.FloatStorage'), text('0'), text('cpu'), int(6)),
      id(text('storage'), type, int(0), text('cpu'), int(6)),
      id(text('storage'), type, text('0'), 'N', int(6)),
      id(text('storage'), type, text('0'), text('cpu'), int(-6)),
      id(text('storage'), type, text('0'), text('cpu'), text('6')),
    ]) {
      assertRefused(program, /no storage/);
    }
    assertRefused(
      id(text('storage'), global('torch.Tensor'), text('0'), text('cpu'), int(6)),
      /torch\.Tensor/,
    );
    for (const key of ['1', '../data.pkl', '__proto__', 'constructor', '']) {
      const file = archive(pickle(tensor(storage(6, { key }), [6], [1])), six);
      assert.throws(() => load(file), { name: 'FormatError', message: /is missing/ });
    }
  });
});

describe('archives', () => {
  const program = pickle(dict(text('a'), tensor(storage(6), [6], [1])));
  const data = { 0: floats([1, 2, 3, 4, 5, 6]) };
  const expected = [1, 2, 3, 4, 5, 6];

  test('stored or compressed, with other files, of any name', () => {
    const more = {
      version: bytesOf('3\n'),
      '.format_version': bytesOf('1'),
      '.data/serialization_id': bytesOf('1'),
    };
    assertSame(load(archive(program, data, { more })).a.data, expected, 'stored');
    assertSame(load(archive(program, data, { level: 9 })).a.data, expected, 'compressed');
    for (const folder of ['x/', '', 'ünïcödé/', '__proto__/', 'a b/']) {
      assertSame(load(archive(program, data, { folder })).a.data, expected, folder);
    }
    const others = zipSync({
      'm/': new Uint8Array(0),
      'm/data.pkl': program,
      'm/data/0': data[0],
      '__MACOSX/data.pkl': bytesOf('x'),
    });
    assertSame(load(others).a.data, expected, 'with a folder entry and another folder');
  });

  test('from a Buffer, from the middle of a buffer, from shared memory', () => {
    const file = archive(program, data);
    const around = new Uint8Array(file.length + 7);
    around.set(file, 3);
    assertSame(load(around.subarray(3, 3 + file.length)).a.data, expected, 'middle');
    assertSame(load(Buffer.from(file)).a.data, expected, 'Buffer');
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(file);
    assertSame(load(shared).a.data, expected, 'shared');
  });

  test("what is read is the caller's own", () => {
    const file = archive(program, data);
    const { a } = load(file);
    file.fill(0);
    assertSame(a.data, expected, 'a');
  });

  test('a comment after the archive', () => {
    const file = archive(program, data);
    const commented = bytesOf(file, 'a comment');
    commented[file.length - 2] = 9;
    assertSame(load(commented).a.data, expected, 'a');
  });

  /** Where the entry of the central directory that has this name begins. @param {Uint8Array} file @param {string} name */
  function directoryEntry(file, name) {
    const at = Buffer.from(file).lastIndexOf(name) - 46;
    assert.equal(Buffer.from(file).readUInt32LE(at), 0x02014b50);
    return at;
  }

  /** @param {Uint8Array} file @param {number} at @param {number} value @param {2 | 4} size */
  function patched(file, at, value, size) {
    const copy = file.slice();
    copy.set(little(value, size), at);
    return copy;
  }

  test('an entry twice', () => {
    const twin = archive(program, { ...data, 1: data[0] });
    const at = Buffer.from(twin).lastIndexOf('data/1');
    twin[at + 5] = '0'.charCodeAt(0);
    assert.throws(() => load(twin), { name: 'FormatError', message: /data\/0" comes twice/ });
    const other = archive(program, data, { more: { x1: data[0], x2: data[0] } });
    other[Buffer.from(other).lastIndexOf('x2') + 1] = '1'.charCodeAt(0);
    assert.throws(() => load(other), { name: 'FormatError', message: /comes twice/ });
  });

  test('a bomb is refused before it is unpacked', () => {
    const zeros = new Uint8Array(20e6);
    const bomb = archive(pickle(tensor(storage(5e6), [5e6], [1])), { 0: zeros }, { level: 9 });
    assert.ok(bomb.length < 60e3);
    assert.throws(() => load(bomb), { name: 'FormatError', message: /would grow to 20000/ });
    const bombInPickle = archive(bytesOf(pickle('N'), zeros), {}, { level: 9 });
    assert.throws(() => load(bombInPickle), { name: 'FormatError', message: /would grow/ });
    const many = archive(
      pickle('N'),
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [i, zeros.subarray(0, 1e6)])),
      { level: 9 },
    );
    assert.throws(() => load(many), { name: 'FormatError', message: /would grow/ });
  });

  test('a bomb that claims to be small is unpacked as far as it claims', () => {
    const file = archive(program, { 0: new Uint8Array(20e6) }, { level: 9 });
    const at = directoryEntry(file, 'archive/data/0');
    for (const size of [24, 20e6 - 1]) {
      const message = size === 24 ? /larger than it says/ : /would grow/;
      assert.throws(() => load(patched(file, at + 24, size, 4)), { name: 'FormatError', message });
    }
    const small = archive(program, data, { level: 9 });
    const place = directoryEntry(small, 'archive/data/0') + 24;
    for (const size of [23, 25]) {
      assert.throws(() => load(patched(small, place, size, 4)), {
        name: 'FormatError',
        message: size < 24 ? /larger than it says/ : /smaller than it says/,
      });
    }
  });

  test('compressed data that goes on after its end', () => {
    const noise = values(3e5, 1);
    const packed = archive(program, { 0: new Uint8Array(noise.buffer) }, { level: 9 });
    const at = Buffer.from(packed).indexOf('archive/data/0') + 'archive/data/0'.length;
    packed.set([3, 0], at); // an empty block, the last one
    assert.throws(() => load(packed), { name: 'FormatError', message: /goes on|smaller/ });
  });

  test('sizes of 64 bits', () => {
    const file = archive(program, data);
    const at = directoryEntry(file, 'archive/data/0');
    const end = file.length - 22;
    const buffer = Buffer.from(file);
    const name = at + 46 + 'archive/data/0'.length;
    const place = buffer.readUInt32LE(at + 42);
    const entry = bytesOf(
      file.subarray(at, name),
      little(1, 2),
      little(24, 2),
      little(24, 8),
      little(24, 8),
      little(place, 8),
    );
    entry.fill(255, 20, 28); // both sizes, and then the place
    entry.fill(255, 42, 46);
    entry.set(little(28, 2), 30);
    const start = buffer.readUInt32LE(end + 16);
    const head = file.subarray(0, at);
    const rest = file.subarray(name, end);
    const directoryEnd = head.length + entry.length + rest.length;
    const long = bytesOf(
      ...[head, entry, rest],
      ...['PK\x06\x06', little(44, 8), little(45, 2), little(45, 2), new Uint8Array(8)],
      ...[little(2, 8), little(2, 8), little(directoryEnd - start, 8), little(start, 8)],
      ...['PK\x06\x07', new Uint8Array(4), little(directoryEnd, 8), little(1, 4)],
      file.subarray(end),
    );
    long.fill(255, long.length - 14, long.length - 2);
    assertSame(load(long).a.data, expected, 'a');
    assert.throws(() => load(patched(long, at + 30, 20, 2)), FormatError);
  });

  test('zeros that were compressed are no bomb', () => {
    const zeros = { 0: new Uint8Array(4e5) };
    const file = archive(pickle(tensor(storage(1e5), [1e5], [1])), zeros, { level: 9 });
    assert.equal(load(file).data.length, 1e5);
  });

  test('entries that overlap', () => {
    const big = { 0: new Uint8Array(1000), 1: new Uint8Array(0), 2: new Uint8Array(0) };
    let file = archive(pickle('N'), big);
    for (const key of [1, 2]) {
      const at = directoryEntry(file, `archive/data/${key}`);
      const place = Buffer.from(file).readUInt32LE(directoryEntry(file, 'archive/data/0') + 42);
      for (const [field, value] of [
        [20, 1000],
        [24, 1000],
        [42, place],
      ])
        file = patched(file, at + field, value, 4);
    }
    assert.throws(() => load(file), { name: 'FormatError', message: /larger than the file/ });
  });

  test('entries that lie about themselves', () => {
    const file = archive(program, data);
    const at = directoryEntry(file, 'archive/data/0');
    for (const [field, value, size] of /** @type {[number, number, 2 | 4][]} */ ([
      [10, 99, 2], // method
      [10, 8, 2], // deflate, where it is stored
      [20, 4, 4], // stored size
      [20, 4e9, 4],
      [24, 4, 4], // original size
      [24, 4e9, 4],
      [42, 4e9, 4], // place
      [42, 2 ** 32 - 1, 4], // of 64 bits, elsewhere
      [28, 65535, 2], // length of the name
    ])) {
      assert.throws(
        () => load(patched(file, at + field, value, size)),
        FormatError,
        `${field} ${value}`,
      );
    }
    const end = file.length - 22;
    for (const [field, value, size] of /** @type {[number, number, 2 | 4][]} */ ([
      [10, 0, 2],
      [10, 65535, 2],
      [16, 0, 4],
      [16, 4e9, 4],
    ])) {
      assert.throws(
        () => load(patched(file, end + field, value, size)),
        FormatError,
        `${field} ${value}`,
      );
    }
    // A 64-bit end record that claims 2^32 - 1 entries.
    const long = bytesOf(
      file.subarray(0, end),
      'PK\x06\x06',
      little(44, 8),
      little(45, 2),
      little(45, 2),
      new Uint8Array(8),
      little(2 ** 32 - 1, 8),
      little(2 ** 32 - 1, 8),
      new Uint8Array(8),
      little(end, 8),
      'PK\x06\x07',
      new Uint8Array(4),
      little(end, 8),
      little(1, 4),
      file.subarray(end),
    );
    assert.throws(() => load(long), FormatError);
  });

  test('of something else', () => {
    assert.throws(() => load(zipSync({ 'a/b': bytesOf('x') })), {
      name: 'FormatError',
      message: /no data\.pkl/,
    });
    assert.throws(() => load(zipSync({})), FormatError);
    const script = archive(program, data, { more: { 'constants.pkl': bytesOf('x') } });
    assert.throws(() => load(script), { name: 'FormatError', message: /TorchScript.*state_dict/ });
  });
});

describe('the older format', () => {
  const program = pickle(dict(text('a'), tensor(storage(6), [6], [1])));
  const data = floats([1, 2, 3, 4, 5, 6]);
  const file = legacy(program, [['0', 6, data]]);

  test('is read', () => assertSame(load(file).a.data, [1, 2, 3, 4, 5, 6], 'a'));

  test('is read in protocol 1 as well', () => {
    const first = bytesOf(
      'L119547037146038801333356L\n.M\xe9\x03.}.', // magic number, protocol, system
      program.subarray(2),
      list(text('0')),
      ['.'.charCodeAt(0)],
      little(6, 8),
      data,
    );
    assertSame(load(first).a.data, [1, 2, 3, 4, 5, 6], 'a');
    assert.throws(() => load(first.subarray(0, 20)), { name: 'FormatError', message: /neither/ });
  });

  test('with views of storages, as before 0.4', () => {
    const view = tuple(text('99'), int(2), int(3));
    const part = pickle(tensor(storage(6, { view }), [3], [1]));
    assertSame(load(legacy(part, [['0', 6, data]])).data, [3, 4, 5], 'view');
    const none = pickle(tensor(storage(6, { view: 'N' }), [6], [1]));
    assertSame(load(legacy(none, [['0', 6, data]])).data, [1, 2, 3, 4, 5, 6], 'no view');
    for (const bad of [tuple(text('9'), int(4), int(3)), tuple(), text('x')]) {
      assertRefused(pickle(tensor(storage(6, { view: bad }), [1], [1])), /view of storage/);
    }
    assertRefused(pickle(tensor(storage(6, { view }), [4], [1])), /beyond its storage of 3/);
  });

  test('is refused when something is missing, wrong or left over', () => {
    for (const [what, bytes, message] of /** @type {[string, Uint8Array, RegExp][]} */ ([
      ['another pickle', pickle(int(5)), /another pickle/],
      ['a pickle of a dict', pickle(dict(text('a'), int(1))), /another pickle/],
      ['a global in the magic number', pickle(global('os.system')), /os\.system/],
      ['another protocol', bytesOf(file.subarray(0, 15), pickle(int(1002)), 'N.'), /protocol/],
      ['no storages', legacy(program), /storage "0" is missing/],
      [
        'a storage nobody names',
        legacy(program, [
          ['0', 6, data],
          ['1', 6, data],
        ]),
        /list of storages/,
      ],
      [
        'a storage twice',
        legacy(program, [
          ['0', 6, data],
          ['0', 6, data],
        ]),
        /list of storages/,
      ],
      [
        'a storage too short',
        legacy(program, [['0', 5, data.subarray(0, 20)]]),
        /20 bytes, expected 24/,
      ],
      ['a length beyond the file', legacy(program, [['0', 2 ** 40, data]]), /ends inside/],
      ['a negative length', legacy(program, [['0', -1, data]]), /ends inside/],
      ['something after it', bytesOf(file, 'x'), /1 bytes follow/],
      ['no end', file.subarray(0, -1), /ends inside/],
    ])) {
      assert.throws(() => load(bytes), { name: 'FormatError', message }, what);
    }
  });
});

describe('whatever bytes: a value or a FormatError', () => {
  test('every file, cut anywhere', (t) => {
    let cuts = 0;
    for (const { config } of recorded) {
      const bytes = readBytes(config.pt);
      const step = bytes.length > 5000 ? 7 : 1;
      for (let length = 0; length < bytes.length; length += step) {
        assert.throws(() => load(bytes.subarray(0, length)), FormatError, `${config.pt} ${length}`);
        cuts++;
      }
    }
    t.diagnostic(`${cuts} cuts`);
  });

  test('every file, changed anywhere', (t) => {
    const draw = generator(3);
    let refused = 0;
    let rounds = 0;
    for (const { config } of recorded) {
      const good = readBytes(config.pt);
      for (let round = 0; round < 600; round++) {
        const bytes = good.slice();
        for (let k = 0; k <= round % 4; k++) {
          bytes[Math.floor(draw() * bytes.length)] = Math.floor(draw() * 256);
        }
        rounds++;
        try {
          load(bytes);
        } catch (error) {
          assert.ok(error instanceof FormatError, `${error.stack}`);
          refused++;
        }
      }
    }
    assert.ok(refused > rounds / 4);
    t.diagnostic(`${refused} of ${rounds} refused`);
  });

  test('pickles of random opcodes', () => {
    const draw = generator(8);
    const opcodes =
      '().012GIJKLMNQRTUX]abcehjqrstu}\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x91\x93\x94';
    const words = [
      text('a'),
      int(1),
      tensor(storage(6), [6], [1]),
      global('collections.OrderedDict'),
      storage(6),
    ];
    let accepted = 0;
    for (let round = 0; round < 20000; round++) {
      const parts = [];
      for (let k = 0; k < 12; k++) {
        parts.push(
          draw() < 0.4
            ? words[Math.floor(draw() * words.length)]
            : opcodes[Math.floor(draw() * opcodes.length)],
        );
      }
      try {
        load(archive(pickle('(', ...parts, 't'), { 0: floats([1, 2, 3, 4, 5, 6]) }));
        accepted++;
      } catch (error) {
        assert.ok(error instanceof FormatError, `${error.stack}`);
      }
    }
    assert.ok(accepted > 0);
  });

  test('what is no file is an ArgumentError', () => {
    for (const bad of [
      null,
      undefined,
      'text',
      5,
      [80, 75],
      {},
      new ArrayBuffer(16),
      new Float32Array(4),
    ]) {
      assert.throws(() => loadTorch(/** @type {any} */ (bad)), {
        name: 'ArgumentError',
        message: /loadTorch.*Uint8Array/,
      });
    }
  });
});

describe('saveTorch', () => {
  const bits = Uint32Array.of(
    0x7fc00000,
    0xffc00001,
    0x7f800001,
    0x80000000,
    1,
    0x7f7fffff,
    0xff800000,
  );
  const state = {
    'rnn.weight_ih_l0': { shape: [3, 4], data: values(12, 1) },
    special: { shape: [7], data: new Float32Array(bits.buffer) },
    scalar: { shape: [], data: values(1, 2) },
    empty: { shape: [0, 5], data: new Float32Array(0) },
    'empty, and long': { shape: [2 ** 40, 0], data: new Float32Array(0) },
    cube: { shape: [2, 3, 4], data: values(24, 3) },
    'with "quotes", \\, \n and ünïcödé 🙂': { shape: [1], data: values(1, 5) },
    '': { shape: [1], data: values(1, 6) },
  };
  const bytes = saveTorch(state);

  test('is read again, to the bit and in order', () => {
    const again = load(bytes);
    assert.deepEqual(Object.keys(again), Object.keys(state));
    assert.equal(Object.getPrototypeOf(again), null);
    for (const [name, { shape, data }] of Object.entries(state)) {
      assert.deepEqual([...again[name].shape], shape, name);
      assert.deepEqual(
        new Uint32Array(again[name].data.buffer),
        new Uint32Array(data.buffer, data.byteOffset, data.length),
        name,
      );
    }
  });

  test('as another reader sees it: stored, aligned to 64 bytes', () => {
    const files = unzipSync(bytes);
    assert.deepEqual(Object.keys(files), [
      'archive/data.pkl',
      'archive/byteorder',
      ...Object.keys(state).map((_, i) => `archive/data/${i}`),
      'archive/version',
    ]);
    assert.equal(Buffer.from(files['archive/byteorder']).toString(), 'little');
    assert.equal(Buffer.from(files['archive/version']).toString(), '3\n');
    for (const [name, content] of Object.entries(files)) {
      if (!content.length) continue;
      const header = Buffer.from(bytes).indexOf(name) - 30;
      const view = Buffer.from(bytes.buffer, bytes.byteOffset + header);
      assert.equal(view.readUInt32LE(0), 0x04034b50, name);
      assert.equal(view.readUInt16LE(8), 0, `${name}: stored`);
      const begin = header + 30 + view.readUInt16LE(26) + view.readUInt16LE(28);
      assert.equal(begin % 64, 0, name);
      assert.deepEqual(bytes.slice(begin, begin + content.length), content, name);
    }
  });

  test('the same bytes whenever and wherever', () => {
    assert.deepEqual(saveTorch(state), bytes);
    const hash = createHash('sha256').update(bytes).digest('hex');
    assert.equal(hash, 'e0e26afbecda7e9aa8b3b1b4a8de7f6ca8f5f8aa7bc976afeb9ec2106a68cd47');
  });

  test('nothing to write is a file too', () => {
    assert.deepEqual(Object.keys(load(saveTorch({}))), []);
  });

  test('names of the prototype are names', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const odd = Object.create(null);
    for (const name of names) odd[name] = { shape: [1], data: Float32Array.of(1) };
    const again = load(saveTorch(odd));
    assert.deepEqual(Object.keys(again), names);
  });

  test('a part of an array, and what a model gives', async () => {
    await init();
    const whole = values(10, 1);
    const part = load(saveTorch({ a: { shape: [3], data: whole.subarray(2, 5) } }));
    assertSame(part.a.data, whole.slice(2, 5), 'a');

    const make = () =>
      new Sequential({ rnn: new LSTM(3, 4, { numLayers: 2 }), fc: new Linear(4, 2) });
    const [a, b] = [make(), make()];
    b.loadStateDict(load(saveTorch(a.stateDict())));
    const x = values(15, 4);
    assertClose(b.forward(x), a.forward(x), {}, 'output');
    a.dispose();
    b.dispose();
  });

  test('what cannot be written is refused by its name', () => {
    const data = new Float32Array(4);
    for (const [bad, Class, message] of /** @type {[any, any, RegExp][]} */ ([
      [null, ArgumentError, /state dict/],
      [undefined, ArgumentError, /state dict/],
      ['text', ArgumentError, /state dict/],
      [[], ArgumentError, /state dict/],
      [{ w: null }, ArgumentError, /saveTorch w data/],
      [{ w: data }, ArgumentError, /saveTorch w data/],
      [{ w: { shape: [4], data: [1, 2, 3, 4] } }, ArgumentError, /w data.*Float32Array\.from/],
      [{ w: { shape: [4], data: new Float64Array(4) } }, ArgumentError, /w data/],
      [
        { ok: { shape: [4], data }, w: { shape: [3], data } },
        ShapeError,
        /w shape: expected sizes of 4 values, got \[3\]/,
      ],
      [{ w: { shape: 4, data } }, ShapeError, /w shape/],
      [{ w: { data } }, ShapeError, /w shape/],
      [{ w: { shape: [-2, -2], data } }, ShapeError, /w shape/],
      [{ w: { shape: [0.5, 8], data } }, ShapeError, /w shape/],
      [
        { w: { shape: [2 ** 40, 2 ** 40, 0], data: new Float32Array(0) } },
        ShapeError,
        /w: the shape.*too large/,
      ],
      [
        { w: { shape: new Array(65).fill(1), data: data.slice(1) } },
        ShapeError,
        /w shape: expected sizes of 3 values, got \[1, 1/,
      ],
      [
        { w: { shape: new Array(65).fill(1), data: data.slice(3) } },
        ShapeError,
        /w: the shape.*large/,
      ],
      [{ '\udc00': { shape: [4], data } }, ArgumentError, /Unicode/],
    ])) {
      assert.throws(
        () => saveTorch(bad),
        (/** @type {any} */ error) => {
          assert.ok(error instanceof Class && error instanceof UnrolledError, `${error.stack}`);
          assert.match(error.message, message);
          return true;
        },
      );
    }
    const many = Object.create(null);
    for (let i = 0; i < 65533; i++) many[`p${i}`] = { shape: [0], data: new Float32Array(0) };
    assert.throws(() => saveTorch(many), { name: 'ArgumentError', message: /safetensors/ });
    delete many.p0;
    assert.equal(Object.keys(load(saveTorch(many))).length, 65532);
  });
});
