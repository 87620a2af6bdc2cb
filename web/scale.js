// The diverging colours of the heat maps: brown below zero, the paper at zero, teal above. Brown and
// teal stay apart for every common kind of colour blindness (ColorBrewer's BrBG); in the dark the
// scale is turned inside out, so that zero is again the ground.

import { isDark } from './theme.js';

const LIGHT = ['#7d480a', '#c9964a', '#f4f2ed', '#58aea3', '#045a50'];
const DARK = ['#f3b766', '#94622a', '#222725', '#1f7468', '#7be0cd'];
const STEPS = 256;
const GREY = 128;

/** @param {string[]} stops @returns {Uint8ClampedArray} STEPS colours, r g b */
function ramp(stops) {
  const rgb = stops.map((stop) =>
    [1, 3, 5].map((at) => Number.parseInt(stop.slice(at, at + 2), 16)),
  );
  const colors = new Uint8ClampedArray(STEPS * 3);
  for (let i = 0; i < STEPS; i += 1) {
    const at = (i / (STEPS - 1)) * (stops.length - 1);
    const from = Math.min(Math.floor(at), stops.length - 2);
    for (let c = 0; c < 3; c += 1) {
      colors[i * 3 + c] = rgb[from][c] + (rgb[from + 1][c] - rgb[from][c]) * (at - from);
    }
  }
  return colors;
}

const ramps = { light: ramp(LIGHT), dark: ramp(DARK) };

/** @param {number} value from −1 to 1 @returns {number} where its colour is in a ramp */
const placeOf = (value) =>
  Math.round(((Math.max(-1, Math.min(1, value)) + 1) / 2) * (STEPS - 1)) * 3;

/**
 * @param {number} value from −1 to 1; what is not a number is grey
 * @returns {[number, number, number]}
 */
export function diverging(value) {
  if (Number.isNaN(value)) return [GREY, GREY, GREY];
  const colors = isDark() ? ramps.dark : ramps.light;
  const at = placeOf(value);
  return [colors[at], colors[at + 1], colors[at + 2]];
}

/**
 * Paints one pixel a number.
 * @param {HTMLCanvasElement} canvas becomes so large
 * @param {Pick<import('./experiments/types.js').Matrix, 'shape' | 'data'>} matrix
 * @param {number} most the end of the scale
 */
export function paintPixels(canvas, { shape: [rows, columns], data }, most) {
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  const context = canvas.getContext('2d');
  const image = context.createImageData(columns, rows);
  const colors = isDark() ? ramps.dark : ramps.light;
  for (let i = 0; i < rows * columns; i += 1) {
    const value = data[i] / most;
    const at = placeOf(value);
    for (let c = 0; c < 3; c += 1) {
      image.data[4 * i + c] = Number.isNaN(value) ? GREY : colors[at + c];
    }
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** @param {number} part of red, green or blue, from 0 to 255: as light, WCAG's relative luminance */
const linear = (part) => (part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);

/**
 * Black or white, whichever reads better on it: never below a contrast of 4.5.
 * @param {[number, number, number]} rgb
 */
export function inkOn([r, g, b]) {
  const light = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return light > 0.179 ? '#000000' : '#ffffff';
}
