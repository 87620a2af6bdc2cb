// The page's colours, for what is painted on a canvas.

const dark = matchMedia('(prefers-color-scheme: dark)');

export const isDark = () => dark.matches;

/** What color() found. @type {Map<string, string>} */
const found = new Map();

// Each painted element hears of a change by an event of its own, so that nothing here holds on to
// elements that have left the page.
dark.addEventListener('change', () => {
  found.clear();
  for (const node of document.querySelectorAll('[data-painted]')) {
    node.dispatchEvent(new Event('themechange'));
  }
});

/**
 * @param {HTMLElement} node what is painted
 * @param {() => void} paint called whenever light becomes dark, or dark light
 * @returns {() => void} ends it
 */
export function onThemeChange(node, paint) {
  node.dataset.painted = '';
  node.addEventListener('themechange', paint);
  return () => node.removeEventListener('themechange', paint);
}

/** @param {string} name of a custom property, as '--accent' */
export function color(name) {
  let value = found.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    found.set(name, value);
  }
  return value;
}
