/**
 * Models as ONNX files, for other runtimes.
 * @module unrolled/onnx
 */
export { saveOnnx } from 'unrolled/onnx';
