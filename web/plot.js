// uPlot in this page's clothes: its colours, sizes, fonts; follows light and dark, width and pointer.

import uPlot from 'uplot';
import { short } from './text.js';
import { color, onThemeChange } from './theme.js';

const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
/** Of a logarithmic axis, the powers of ten only. @param {uPlot} _ @param {number[]} splits */
const decades = (_, splits) =>
  splits.map((split) => (Math.abs(Math.log10(split) % 1) < 1e-9 ? split : null));
const FONT = '12px system-ui, sans-serif';

/** @typedef {{ label: string, stroke: string, width?: number, dash?: number[], points?: boolean }} Line stroke: a custom property */

/**
 * @typedef {object} PlotOptions
 * @property {string} x label of the horizontal axis
 * @property {Line[]} lines
 * @property {boolean} [whole] the horizontal axis counts things
 * @property {boolean} [log]
 * @property {number} [height]
 * @property {(low: number, high: number) => [number, number]} [xRange]
 * @property {(low: number | null, high: number | null) => [number, number]} [yRange]
 * @property {(plot: uPlot) => void} [behind] draws behind the lines
 * @property {(plot: uPlot) => void} [between] draws over the first line, behind the others
 * @property {(index: number | null) => void} onPoint the pointer is at this point, or gone
 */

/**
 * @param {HTMLElement} parent
 * @param {PlotOptions} options
 * @param {uPlot.AlignedData} data
 */
export function createPlot(parent, options, data) {
  const { x, lines, log = false, height = 300 } = options;
  const width = () => Math.max(200, parent.clientWidth);
  const axis = {
    font: FONT,
    labelFont: FONT,
    stroke: () => color('--soft'),
    grid: { stroke: () => color('--line'), width: 1 },
    ticks: { show: false },
  };
  const plot = new uPlot(
    {
      width: width(),
      height,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      scales: {
        x: { time: false, range: options.xRange && ((_, low, high) => options.xRange(low, high)) },
        y: {
          distr: log ? 3 : 1,
          range: options.yRange && ((_, low, high) => options.yRange(low, high)),
        },
      },
      axes: [
        {
          ...axis,
          label: x,
          labelSize: 20,
          size: 30,
          incrs: options.whole ? WHOLE : undefined,
          values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : short(tick))),
        },
        {
          ...axis,
          size: 54,
          ...(log && { filter: decades, grid: { ...axis.grid, filter: decades } }),
          values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : short(tick))),
        },
      ],
      series: [
        {},
        ...lines.map(({ label, stroke, width: lineWidth = 2, dash, points = false }) => ({
          label,
          stroke: () => color(stroke),
          width: lineWidth,
          dash,
          spanGaps: true,
          points: { show: points, size: 6, fill: () => color(stroke) },
        })),
      ],
      hooks: {
        drawAxes: options.behind ? [options.behind] : [],
        drawSeries: [
          (self, line) => {
            if (line === 1) options.between?.(self);
          },
        ],
        setCursor: [({ cursor }) => options.onPoint(cursor.idx ?? null)],
      },
    },
    data,
    parent,
  );
  const observer = new ResizeObserver(() => {
    if (parent.clientWidth > 0 && width() !== plot.width) plot.setSize({ width: width(), height });
  });
  observer.observe(parent);
  const endTheme = onThemeChange(parent, () => plot.redraw());
  return {
    plot,
    destroy() {
      observer.disconnect();
      endTheme();
      plot.destroy();
    },
  };
}

export const { join } = uPlot;
