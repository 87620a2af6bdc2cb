/**
 * All of `unrolled`, with the .wasm inside the JavaScript: for places where no file can lie beside it.
 * @module unrolled/inline
 */
export { init } from 'unrolled/inline';
