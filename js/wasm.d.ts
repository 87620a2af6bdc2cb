// Bundling puts the file in as text.
declare module '*.wasm' {
  const base64: string;
  export default base64;
}
