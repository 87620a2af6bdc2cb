// What the page must know of the experiments before any of them runs. Evaluated once, when the page
// is built (vite.config.js): the page gets the result, the experiments themselves stay in the worker.

import temml from 'temml';
import { experiments } from './experiments/index.js';

/**
 * @typedef {Omit<import('./experiments/types.js').Description, 'equations'> & {
 *   kind: 'check' | 'training', equations: string[], looks: boolean }} Described
 *   its equations in MathML; whether one can look inside
 */

/** TeX to MathML, without the inline styles that the page's policy forbids. @param {string} tex */
export const mathml = (tex) =>
  temml.renderToString(tex, { displayMode: true }).replaceAll(/ (style|class)="[^"]*"/g, '');

/** @type {Described[]} */
export const descriptions = experiments.map(
  ({ id, notebook, kind, title, summary, watch, params, equations = [], ...rest }) => ({
    ...{ id, notebook, kind, title, summary, watch, params },
    equations: equations.map(mathml),
    looks: kind === 'training' || 'look' in rest,
  }),
);
