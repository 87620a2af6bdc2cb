// The page's colours, for what is painted on a canvas.

const dark = matchMedia('(prefers-color-scheme: dark)');

export const isDark = () => dark.matches;

// Each painted element hears of a change by an event of its own, so that nothing here holds on to
// elements that have left the page.
dark.addEventListener('change', () => {
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
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
