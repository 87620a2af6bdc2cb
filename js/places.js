// Which word of the out block says where what of a pass stands, or how many values it has: as reserve,
// pending and step_reserve of src/unrolled.h leave them.

export const INPUT = 0;
export const OUTPUT = 1;
export const OUTPUTS = 2;
export const GRAD_OUTPUT = 3;
export const GRAD_INPUT = 4;
export const H0 = 5;
export const C0 = 6;
export const HN = 7;
export const CN = 8;
export const GRAD_H = 9;
export const GRAD_C = 10;
export const HS = 11;
export const CS = 12;
export const INPUTS = 13;
