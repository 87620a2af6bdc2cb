// PyTorch's own files, .pt and .pth: what torch.save writes and torch.load opens.
//
// Since 1.6 a zip archive, uncompressed: <name>/data.pkl, a pickle whose tensors name storages, and each
// storage as <name>/data/<key>; before, five pickles and then the storages. A pickle is a program,
// which Python runs; here it is read by a machine that can make tensors and plain containers and
// nothing else (unpickle.js, rebuild.js). Here are the two formats around it.
//
// Format: torch/serialization.py in https://github.com/pytorch/pytorch.

import { allocate } from './allocate.js';
import { expectBytes } from './check.js';
import { ArgumentError, ShapeError } from './errors.js';
import { pickleState } from './pickle.js';
import { Objects, RANK_LIMIT, refuseGlobal } from './rebuild.js';
import { expectState } from './state.js';
import { writeFloats } from './strided.js';
import { refuse, shown, unpickle } from './unpickle.js';
import { BYTES_LIMIT, ENTRY_LIMIT, readZip, writeZip } from './zip.js';

/** @import { StateDict } from './module.js' */

const ZIP_MAGIC = Uint8Array.of(0x50, 0x4b, 3, 4);
const PICKLE = 0x80; // how one begins, of protocol 2 or later
const LEGACY_MAGIC_TEXT = new TextEncoder().encode('L119547037146038801333356L\n'); // of protocol 1
/** What the first two pickles of the older format hold. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
/** The most that a tensor takes besides its name and its data: in the pickle and in the archive. */
const RECORD = 2048;
/** data.pkl, byteorder, version. */
const OTHER_RECORDS = 3;

/**
 * Reads what `torch.save` wrote, in the zip format or the older one.
 *
 * Tensors, at any depth, arrive as `{ shape, data }` with the data in row-major order, whatever strides,
 * offset or storage they share. As from safetensors every element type arrives as float32: float64,
 * float16, bfloat16, the integers and bool (0 or 1); what float32 cannot hold is rounded to the nearest.
 * A tensor that the file holds in several places is one object.
 *
 * Dicts are objects without prototype, with numbers as keys turned into text (an optimizer's state is
 * `state['0']`); lists, tuples, sets and torch.Size are arrays; None is null; integers beyond 2^53 are
 * bigints; a torch.dtype or torch.device is text. Attributes such as `_metadata` are left out.
 *
 * Nothing in the file is ever called, and its size bounds the work and the memory. A file that asks for
 * anything else, such as a whole pickled model, is refused, with the name of what it asks for.
 *
 * Source: https://docs.pytorch.org/docs/stable/generated/torch.load.html
 *
 * @example
 * import { loadTorch } from 'unrolled/torch';
 * // torch.save({'model': model.state_dict(), 'epoch': 3}, 'checkpoint.pt')
 * const checkpoint = loadTorch(new Uint8Array(await (await fetch('checkpoint.pt')).arrayBuffer()));
 * model.loadStateDict(checkpoint.model, { prefix: 'module.' });
 *
 * @param {Uint8Array} bytes
 * @returns {unknown}
 * @throws {FormatError} for a file that is broken, or refused
 */
export function loadTorch(bytes) {
  const file = expectBytes(bytes, 'loadTorch');
  if (startsWith(file, ZIP_MAGIC)) return loadArchive(file);
  if (file[0] === PICKLE || startsWith(file, LEGACY_MAGIC_TEXT)) return loadLegacy(file);
  refuse('this is neither a zip archive nor the older format of torch.save');
}

/**
 * A file that `torch.load` opens, with `weights_only=True` too: an OrderedDict of float32 tensors, in
 * the order of the state dict. The same state gives the same bytes.
 *
 * Source: https://docs.pytorch.org/docs/stable/generated/torch.save.html
 *
 * @example
 * import { saveTorch } from 'unrolled/torch';
 * const bytes = saveTorch(model.stateDict());
 * // model.load_state_dict(torch.load('model.pt'))
 *
 * @param {StateDict} state
 * @returns {Uint8Array}
 * @throws {ShapeError} when values do not make a shape
 * @throws {ArgumentError} for what is no state dict, or too large for the format
 */
export function saveTorch(state) {
  const tensors = expectState(state, 'saveTorch');
  for (const { name, shape } of tensors) {
    // A size has 63 bits there, and strides are products of sizes.
    const room = shape.reduce((a, b) => a * Math.max(b, 1), 1);
    if (shape.length > RANK_LIMIT || !Number.isSafeInteger(room)) {
      throw new ShapeError(`saveTorch ${name}: the shape [${shape}] is too large`);
    }
  }
  const size = tensors.reduce(
    (sum, { name, data }) => sum + RECORD + 3 * name.length + data.byteLength,
    0,
  );
  if (tensors.length + OTHER_RECORDS > ENTRY_LIMIT || size > BYTES_LIMIT) {
    throw new ArgumentError(
      `saveTorch: ${tensors.length} tensors in ${size} bytes are too many; save safetensors instead`,
    );
  }
  return allocate(size, 'saveTorch', () => writeZip(recordsOf(tensors)));
}

/**
 * @param {ReturnType<typeof expectState>} tensors
 * @returns {[name: string, content: Uint8Array][]}
 */
function recordsOf(tensors) {
  const utf8 = new TextEncoder();
  return [
    ['archive/data.pkl', pickleState(tensors)],
    ['archive/byteorder', utf8.encode('little')],
    ...tensors.map(({ data }, i) => {
      const content = new Uint8Array(data.byteLength);
      writeFloats(new DataView(content.buffer), 0, data);
      return /** @type {[string, Uint8Array]} */ ([`archive/data/${i}`, content]);
    }),
    ['archive/version', utf8.encode('3\n')],
  ];
}

// ---- The two formats -------------------------------------------------------------------------------

/** @param {Uint8Array} file @param {Uint8Array} magic */
function startsWith(file, magic) {
  return magic.every((byte, i) => file[i] === byte);
}

/** @param {Uint8Array} file */
function loadArchive(file) {
  /** @type {string | undefined} */
  let folder; // of the first entry, and of all that count
  const entries = readZip(file, (name) => {
    folder ??= name.slice(0, name.indexOf('/') + 1);
    if (!name.startsWith(folder)) return false;
    const inside = name.slice(folder.length);
    if (inside === 'constants.pkl') {
      refuse('this is a TorchScript archive; save model.state_dict() instead');
    }
    return inside === 'data.pkl' || inside === 'byteorder' || inside.startsWith('data/');
  });
  const program = entries.get(`${folder}data.pkl`);
  if (!program) refuse('the archive has no data.pkl, so torch.save did not write it');
  let size = 0;
  for (const content of entries.values()) size += content.length;

  const objects = new Objects(size);
  const { value, end } = unpickle(program, 0, objects);
  if (end !== program.length) refuse('data.pkl goes on after its end');
  objects.expectPlain(value);
  const littleEndian = isLittle(entries.get(`${folder}byteorder`));
  objects.fill((key) => entries.get(`${folder}data/${key}`), littleEndian);
  return value;
}

/** @param {Uint8Array} [record]  absent from files before 2.1 */
function isLittle(record) {
  const order = record ? new TextDecoder().decode(record) : 'little';
  if (order !== 'little' && order !== 'big') refuse(`the byte order ${shown(order)} is not known`);
  return order === 'little';
}

/** @param {Uint8Array} file */
function loadLegacy(file) {
  const magic = unpickle(file, 0, NOTHING);
  if (magic.value !== LEGACY_MAGIC) {
    refuse('this is neither a zip archive nor the older format of torch.save, but another pickle');
  }
  const protocol = unpickle(file, magic.end, NOTHING);
  if (protocol.value !== LEGACY_PROTOCOL) refuse('the protocol of this older file is not known');
  const system = unpickle(file, protocol.end, NOTHING);

  const objects = new Objects(file.length);
  const { value, end } = unpickle(file, system.end, objects);
  objects.expectPlain(value);
  const keys = unpickle(file, end, NOTHING);
  const storages = objects.split(file, keys.value, keys.end);
  // Whatever machine wrote it, this format is little-endian.
  objects.fill((key) => storages.get(key), true);
  return value;
}

/** For pickles of numbers and text. @type {import('./unpickle.js').Meanings} */
const NOTHING = {
  global: refuseGlobal,
  reduce: (called) => refuseGlobal(called.name),
  persistent: () => refuse('a storage stands where a number or text is expected'),
};
