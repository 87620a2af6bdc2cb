// Reads Protocol Buffers, as far as the tests need it: fields by number, in order.

/** @typedef {Map<number, (number | Uint8Array)[]>} Message  numbers, and the bytes of all else */

/** @param {Uint8Array} bytes @returns {Message} */
export function readMessage(bytes) {
  const fields = new Map();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length) throw new Error('the message ends within a number');
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  };
  const take = (/** @type {number} */ length) => {
    if (at + length > bytes.length) throw new Error('the message ends within a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const [field, type] = [key >> 3, key & 7];
    if (![0, 2, 5].includes(type)) throw new Error(`wire type ${type} is not expected here`);
    const value = type === 0 ? varint() : take(type === 5 ? 4 : varint());
    if (!fields.has(field)) fields.set(field, []);
    fields.get(field).push(value);
  }
  return fields;
}

/** The messages in a field. @param {Message} message @param {number} field */
export function messagesOf(message, field) {
  return (message.get(field) ?? []).map((bytes) => readMessage(/** @type {Uint8Array} */ (bytes)));
}

/** The strings in a field. @param {Message} message @param {number} field */
export function textsOf(message, field) {
  return (message.get(field) ?? []).map((bytes) =>
    new TextDecoder('utf-8', { fatal: true }).decode(/** @type {Uint8Array} */ (bytes)),
  );
}
