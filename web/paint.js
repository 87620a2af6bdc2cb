// When the page paints: in animation frames, in the order in which it was asked to, and no more in one
// frame than there is time for; the rest has the frames after it. What takes long is painted less often.
// What is far from the screen waits until it comes near, or is printed.

const BUDGET = 6; // ms of a frame; layout and compositing need some of the 16 too
const REST = 4; // times as long as it took, until something is painted again
const NEAR = '200px';

/**
 * @typedef {object} Task
 * @property {() => void} paint
 * @property {number} cost  ms that it took, on the last few occasions
 * @property {number} every  ms from one time to the next, at least
 * @property {number} after  not before this time
 */

/** @type {Set<Task>} in the order in which they asked */
const queue = new Set();
let asked = false;

/** @param {Task} task */
function run(task) {
  queue.delete(task);
  const from = performance.now();
  task.paint();
  const now = performance.now();
  task.cost = Math.max(now - from, 0.8 * task.cost);
  task.after = Math.max(from + task.every, now + REST * (now - from));
}

function frame() {
  asked = false;
  const from = performance.now();
  let first = true;
  for (const task of [...queue]) {
    const now = performance.now();
    if (task.after > now) continue;
    if (!first && now - from + task.cost > BUDGET) break;
    first = false;
    run(task);
  }
  if (queue.size > 0) ask();
}

function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(frame);
}

/** @param {() => void} paint @param {number} every @returns {Task} */
const taskOf = (paint, every) => ({ paint, every, cost: 0, after: 0 });

/** @param {Task} task */
function enqueue(task) {
  queue.add(task);
  ask();
}

/**
 * Calls `draw` at one of the next animation frames, once, however often it is asked to before.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function oncePerFrame(draw) {
  const task = taskOf(draw, 0);
  return () => enqueue(task);
}

/** What is painted on an element, and whether it is near the screen. @type {WeakMap<Element, { task: Task, near: boolean }>} */
const painted = new WeakMap();

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const own = painted.get(target);
      own.near = isIntersecting;
      if (isIntersecting && 'stale' in /** @type {HTMLElement} */ (target).dataset) {
        enqueue(own.task);
      }
    }
  },
  { rootMargin: NEAR },
);

/** Paints at once what whileNear() would, wherever it is. @param {Element} node */
export const paintNow = (node) => run(painted.get(node).task);

addEventListener('beforeprint', () => {
  for (const node of document.querySelectorAll('[data-stale]')) paintNow(node);
});

/**
 * As oncePerFrame(), as long as the element is near the screen; else when it comes there.
 * @param {HTMLElement} node
 * @param {() => void} paint
 * @param {number} [every] ms from one time to the next, at least
 * @returns {() => void}
 */
export function whileNear(node, paint, every = 0) {
  const task = taskOf(() => {
    delete node.dataset.stale;
    paint();
  }, every);
  const own = { task, near: false };
  painted.set(node, own);
  observer.observe(node);
  return () => {
    node.dataset.stale = '';
    if (own.near) enqueue(task);
  };
}
