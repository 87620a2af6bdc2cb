// What a call into WebAssembly may give back instead of a result: as src/unrolled.h numbers them.

export const ARGUMENT = -1;
export const SHAPE = -2;
export const MEMORY = -3;
export const STATE = -4;
export const HANDLE = -5;
export const NONFINITE = -6;
export const TARGET = -7;
