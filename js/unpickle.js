// A closed reader of Python's pickles: a stack machine that knows numbers, text, lists, tuples, sets and
// dicts. It has no way to import, construct or call anything. Where a pickle names something of
// Python's, the caller says what stands for it, or refuses.
//
// The machine: https://github.com/python/cpython/blob/main/Lib/pickletools.py describes every opcode.
// Of them it takes what a pickler of protocols 1 to 5 writes for such values, and refuses the rest by
// name. Nothing recurses, and what a pickle may ask for is bounded, whatever its length.

import { FormatError } from './errors.js';
import { OPCODE, REFUSED } from './opcodes.js';

/** A name of Python's that is no value: what a REDUCE calls, or the type of a storage. */
export class Global {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }
}

/**
 * @typedef {object} Meanings  what stands for the names in a pickle; each throws for what it does not know
 * @property {(name: string) => unknown} global  of 'module.name': a Global, or a plain value
 * @property {(called: Global, args: unknown[], machine: Unpickler) => unknown} reduce  what a call gives
 * @property {(id: unknown) => unknown} persistent  what lies outside of the pickle
 */
/** @typedef {Record<string, unknown>} Dict  without prototype */

const PROTOCOL_MAX = 5;
/**
 * What a pickle may cost: 1 for each opcode and each item that is copied, CONTAINER_COST for each list,
 * tuple, set or dict. A tensor takes about 110, so that as many as a file may hold (rebuild.js) just fit;
 * reading as much as this takes less than a second.
 */
export const COST_LIMIT = 2 ** 23;
const CONTAINER_COST = 16;
/** Digits of an integer written as text. */
const DIGITS_LIMIT = 100;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** How much of a name from the file a message shows. */
const SHOWN = 120;

/** @param {string} message @returns {never} */
export function refuse(message) {
  throw new FormatError(`torch: ${message}`);
}

/** A name from the file, as a message shows it. @param {string} name */
export function shown(name) {
  return JSON.stringify(name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name);
}

/** @param {unknown} value @returns {value is Dict} */
export function isDict(value) {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null;
}

/**
 * Runs one pickle.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {Meanings} meanings
 * @returns {{ value: unknown, end: number }}  and where the next byte after it is
 */
export function unpickle(bytes, start, meanings) {
  const machine = new Unpickler(bytes, start, meanings);
  return { value: machine.run(), end: machine.at };
}

export class Unpickler {
  /** @type {unknown[]} */
  #stack = [];
  /** @type {number[]} how high the stack was at each MARK that is open */
  #marks = [];
  /** @type {Map<number, unknown>} */
  #memo = new Map();
  /** @type {WeakSet<object>} what may still be appended to */
  #growing = new WeakSet();
  #cost = 0;
  #bytes;
  #view;
  #meanings;

  /**
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {Meanings} meanings
   */
  constructor(bytes, start, meanings) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#meanings = meanings;
    this.at = start;
  }

  /** @returns {unknown} */
  run() {
    for (;;) {
      this.spend(1);
      const opcode = this.#bytes[this.#skip(1)];
      if (opcode === OPCODE.STOP) break;
      this.#step(opcode);
    }
    const value = this.#pop();
    if (this.#stack.length || this.#marks.length) refuse('the pickle stops in the middle');
    return value;
  }

  /** Refuses a pickle that asks for too much. @param {number} cost */
  spend(cost) {
    this.#cost += cost;
    if (this.#cost > COST_LIMIT) refuse('the pickle asks for more than any checkpoint holds');
  }

  /** A dict of these pairs. @param {unknown[]} items  keys and values in turn @returns {Dict} */
  dict(items = []) {
    this.spend(CONTAINER_COST);
    /** @type {Dict} */
    const dict = Object.create(null);
    this.#setItems(dict, items);
    return dict;
  }

  /** @param {number} opcode */
  #step(opcode) {
    switch (opcode) {
      case OPCODE.PROTO: {
        const protocol = this.#unsigned(1);
        if (protocol > PROTOCOL_MAX) refuse(`pickle protocol ${protocol} is not known`);
        return;
      }
      case OPCODE.FRAME:
        return this.#frame();

      case OPCODE.NONE:
        return this.#push(null);
      case OPCODE.NEWTRUE:
        return this.#push(true);
      case OPCODE.NEWFALSE:
        return this.#push(false);
      case OPCODE.INT:
      case OPCODE.LONG:
        return this.#push(this.#decimal());
      case OPCODE.BININT:
        return this.#push(this.#view.getInt32(this.#skip(4), true));
      case OPCODE.BININT1:
        return this.#push(this.#unsigned(1));
      case OPCODE.BININT2:
        return this.#push(this.#unsigned(2));
      case OPCODE.LONG1:
        return this.#push(this.#long(this.#unsigned(1)));
      case OPCODE.BINFLOAT:
        return this.#push(this.#view.getFloat64(this.#skip(8)));

      // Python 2 wrote its text as bytes.
      case OPCODE.SHORT_BINSTRING:
      case OPCODE.SHORT_BINUNICODE:
        return this.#push(this.#text(this.#unsigned(1)));
      case OPCODE.BINSTRING:
      case OPCODE.BINUNICODE:
        return this.#push(this.#text(this.#unsigned(4)));
      case OPCODE.BINUNICODE8:
        return this.#push(this.#text(this.#unsigned(8)));

      case OPCODE.MARK:
        this.#marks.push(this.#stack.length);
        return;
      case OPCODE.POP:
        // One that finds nothing since the last MARK takes the MARK.
        if (this.#stack.length > this.#floor()) this.#pop();
        else this.#popMark();
        return;
      case OPCODE.POP_MARK:
        this.#popMark();
        return;
      case OPCODE.DUP:
        return this.#push(this.#top());

      case OPCODE.EMPTY_TUPLE:
        return this.#push(this.#array([]));
      case OPCODE.TUPLE1:
      case OPCODE.TUPLE2:
      case OPCODE.TUPLE3:
        return this.#push(this.#array(this.#popLast(opcode - OPCODE.TUPLE1 + 1)));
      case OPCODE.TUPLE:
      case OPCODE.FROZENSET:
        return this.#push(this.#array(this.#popMark()));
      case OPCODE.EMPTY_LIST:
      case OPCODE.EMPTY_SET: {
        const list = this.#array([]);
        this.#growing.add(list);
        return this.#push(list);
      }
      case OPCODE.APPEND:
        return this.#append([this.#pop()]);
      case OPCODE.APPENDS:
      case OPCODE.ADDITEMS:
        return this.#append(this.#popMark());
      case OPCODE.EMPTY_DICT:
        return this.#push(this.dict());
      case OPCODE.SETITEM: {
        const items = this.#popLast(2);
        return this.#setItems(this.#top(), items);
      }
      case OPCODE.SETITEMS: {
        const items = this.#popMark();
        return this.#setItems(this.#top(), items);
      }

      case OPCODE.BINPUT:
        return this.#put(this.#unsigned(1));
      case OPCODE.LONG_BINPUT:
        return this.#put(this.#unsigned(4));
      case OPCODE.MEMOIZE:
        return this.#put(this.#memo.size);
      case OPCODE.BINGET:
        return this.#push(this.#get(this.#unsigned(1)));
      case OPCODE.LONG_BINGET:
        return this.#push(this.#get(this.#unsigned(4)));

      case OPCODE.GLOBAL: {
        const module = this.#line();
        return this.#push(this.#meanings.global(`${module}.${this.#line()}`));
      }
      case OPCODE.STACK_GLOBAL: {
        const [module, name] = this.#popLast(2);
        if (typeof module !== 'string' || typeof name !== 'string') {
          refuse('the pickle names something by what is no text');
        }
        return this.#push(this.#meanings.global(`${module}.${name}`));
      }
      case OPCODE.REDUCE: {
        const [called, args] = this.#popLast(2);
        if (!(called instanceof Global)) refuse('the pickle calls what cannot be called');
        if (!Array.isArray(args)) refuse(`the pickle calls ${called.name} without arguments`);
        return this.#push(this.#meanings.reduce(called, args, this));
      }
      case OPCODE.BUILD:
        // Attributes, such as the _metadata of a state dict: they are no items, and not kept.
        this.#pop();
        if (!isDict(this.#top())) refuse('the pickle sets attributes of what is no dict');
        return;
      case OPCODE.BINPERSID:
        return this.#push(this.#meanings.persistent(this.#pop()));

      default:
        return this.#unknown(opcode);
    }
  }

  /** @param {number} opcode @returns {never} */
  #unknown(opcode) {
    const name = REFUSED[opcode] ?? `0x${opcode.toString(16)}`;
    refuse(`the pickle's opcode ${name} at byte ${this.at - 1} is none that tensors need`);
  }

  // ---- bytes

  /** Goes past so many bytes; where they begin. @param {number} count */
  #skip(count) {
    const at = this.at;
    if (count > this.#bytes.length - at) refuse('the pickle ends before its STOP');
    this.at += count;
    return at;
  }

  /** @param {1 | 2 | 4 | 8} size */
  #unsigned(size) {
    const at = this.#skip(size);
    switch (size) {
      case 1:
        return this.#view.getUint8(at);
      case 2:
        return this.#view.getUint16(at, true);
      case 4:
        return this.#view.getUint32(at, true);
      default:
        return Number(this.#view.getBigUint64(at, true)); // a length: above 2^53 none fits anyway
    }
  }

  /** A frame only says how much to read at once. */
  #frame() {
    if (this.#unsigned(8) > this.#bytes.length - this.at) refuse('the pickle ends before its STOP');
  }

  /** @param {number} length */
  #text(length) {
    const at = this.#skip(length);
    try {
      return UTF8.decode(this.#bytes.subarray(at, at + length));
    } catch {
      refuse('the pickle has text that is not UTF-8');
    }
  }

  #line() {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) refuse('the pickle ends before its STOP');
    const line = this.#text(end - this.at);
    this.#skip(1);
    return line;
  }

  /** An integer as text, with an L in protocol 1; 00 and 01 are False and True. */
  #decimal() {
    const line = this.#line();
    if (line === '00') return false;
    if (line === '01') return true;
    if (line.length > DIGITS_LIMIT || !/^[+-]?\d+L?$/.test(line)) {
      refuse(`the pickle has an integer that is none: ${shown(line)}`);
    }
    return plain(BigInt(line.replace(/^\+|L$/g, '')));
  }

  /** An integer of two's complement, the lowest byte first. @param {number} length */
  #long(length) {
    const at = this.#skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = value * 256n + BigInt(this.#bytes[at + i]);
    return plain(BigInt.asIntN(8 * length, value));
  }

  // ---- stack and memo

  /** @param {unknown} value */
  #push(value) {
    this.#stack.push(value);
  }

  /** Below it lies what was there before the last MARK. */
  #floor() {
    return this.#marks.length ? this.#marks[this.#marks.length - 1] : 0;
  }

  #top() {
    if (this.#stack.length <= this.#floor()) refuse('the pickle takes from an empty stack');
    return this.#stack[this.#stack.length - 1];
  }

  #pop() {
    this.#top();
    return this.#stack.pop();
  }

  /** @param {number} count */
  #popLast(count) {
    if (this.#stack.length - this.#floor() < count) refuse('the pickle takes from an empty stack');
    return this.#stack.splice(-count, count);
  }

  /** All since the last MARK. */
  #popMark() {
    const mark = this.#marks.pop();
    if (mark === undefined) refuse('the pickle closes what it did not open');
    return this.#stack.splice(mark);
  }

  /** @param {number} place */
  #put(place) {
    this.#memo.set(place, this.#top());
  }

  /** @param {number} place */
  #get(place) {
    if (!this.#memo.has(place)) refuse(`the pickle refers to ${place}, which it did not keep`);
    return this.#memo.get(place);
  }

  // ---- containers

  /** @param {unknown[]} array */
  #array(array) {
    this.spend(CONTAINER_COST);
    return array;
  }

  /** @param {unknown[]} items */
  #append(items) {
    const list = this.#top();
    if (!Array.isArray(list) || !this.#growing.has(list)) {
      refuse('the pickle appends to what is no list');
    }
    for (const item of items) list.push(item);
  }

  /**
   * @param {unknown} dict
   * @param {unknown[]} items  keys and values in turn
   */
  #setItems(dict, items) {
    if (!isDict(dict)) refuse('the pickle sets items of what is no dict');
    if (items.length % 2) refuse('the pickle has a key without a value');
    this.spend(items.length);
    for (let i = 0; i < items.length; i += 2) {
      const key = keyOf(items[i]);
      if (key in dict) refuse(`the key ${shown(key)} comes twice in one dict`);
      dict[key] = items[i + 1];
    }
  }
}

/** A number where it is exact, else a bigint. @param {bigint} integer */
function plain(integer) {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

/** @param {unknown} key */
function keyOf(key) {
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'bigint') return String(key);
  refuse('a dict has a key that is neither text nor a number');
}
