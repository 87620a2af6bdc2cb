// Numbers and times as people read them.

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** 25000 → "25,000" @param {number} value */
export const count = (value) => grouped.format(value);

/** For axes: 250000 → "250K", 0.00001 → "1e-5" @param {number} value */
export function short(value) {
  const size = Math.abs(value);
  if (size > 0 && size < 0.001) return value.toExponential(0);
  return compact.format(value);
}

/**
 * A measured value: whole from a thousand up, else so many significant digits.
 * @param {number} value
 * @param {number} [digits]
 */
export function number(value, digits = 5) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1000) return grouped.format(value);
  if (size > 0 && size < 1e-4) return minus(value.toExponential(Math.max(0, digits - 2)));
  return minus(String(Number(value.toPrecision(digits))));
}

/** True minus signs, as wide as the digits. @param {string} text */
export const minus = (text) => text.replace(/(?<=^|[\s[(])-(?=[\d.])/g, '−');

/** @param {number} bytes */
export function kilobytes(bytes) {
  const size = bytes / 1000;
  return `${size < 100 ? size.toFixed(1) : grouped.format(size)} kB`;
}

/** 200 → "3 min 20 s" @param {number} seconds */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** For the ear: 129042 → "129 thousand" @param {number} value */
export function spoken(value) {
  if (value >= 1e6) return `${number(value / 1e6, 3)} million`;
  if (value >= 1e4) return `${number(value / 1e3, 3)} thousand`;
  return number(value, 3);
}

/** plural(1, 'number') → "1 number" @param {number} n @param {string} noun */
export const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
