// Helpers to build elements with, and to change them, so that the page needs no framework.

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `onclick` and the like are listeners; null and false
 *   leave an attribute out
 * @param {...(Node | string | null)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Sets a text, if it is another: what stays the same costs no layout. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {string} name @param {string} value */
export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * Calls `callback` once, when the element comes near the screen.
 * @param {Element} node
 * @param {() => void} callback
 */
export function whenNear(node, callback) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      callback();
    },
    { rootMargin: '300px 0px' },
  );
  observer.observe(node);
}

/**
 * Calls `callback` once, in the frame after the element got a width: it is in the page, and not folded away.
 * @param {Element} node
 * @param {() => void} callback
 */
export function whenSized(node, callback) {
  const observer = new ResizeObserver(() => {
    if (node.clientWidth === 0) return;
    observer.disconnect();
    requestAnimationFrame(callback); // what it draws may change sizes again
  });
  observer.observe(node);
}
