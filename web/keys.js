// Shortcuts of one training: they act while the focus is in its box, and never where keys have a
// meaning of their own.

/** What each key does, as the page says it. */
export const KEYS = [
  { name: 'Start', key: ' ', says: 'Space', does: 'start, pause, go on' },
  { name: 'Step', key: 'ArrowRight', says: '→', does: 'one step' },
  { name: 'Epoch', key: 'ArrowRight', shift: true, says: 'Shift →', does: 'one epoch' },
  { name: 'Reset', key: 'r', says: 'R', does: 'back to the start, same seed' },
  { name: 'Stop', key: 'Escape', says: 'Esc', does: 'stop' },
];

const OWN_KEYS =
  'input, select, textarea, summary, a[href], [contenteditable], [role="slider"], [tabindex="0"]';

/**
 * @param {HTMLElement} box
 * @param {(name: string) => void} act
 */
export function listenToKeys(box, act) {
  box.addEventListener('keydown', (event) => {
    const { key, shiftKey, target, repeat } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const on = /** @type {Element} */ (target);
    if (on.closest(OWN_KEYS) || (key === ' ' && on.closest('button'))) return;
    const found = KEYS.find((one) => one.key === key && Boolean(one.shift) === shiftKey);
    if (!found || (repeat && found.name !== 'Step')) return;
    event.preventDefault(); // Space would scroll
    act(found.name);
  });
}
