/**
 * Sets the value at a path inside an object, or deletes it where the value is undefined.
 * @template T
 * @param {T} object
 * @param {(string | number)[]} path
 * @param {unknown} value
 * @returns {T}  the object
 */
export function change(object, path, value) {
  const place = path.slice(0, -1).reduce((inside, key) => inside[key], /** @type {any} */ (object));
  const last = path[path.length - 1];
  if (value === undefined) delete place[last];
  else place[last] = value;
  return object;
}
