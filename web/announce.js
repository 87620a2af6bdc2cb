// What screen readers hear: one live region, at a human pace, the newest sentence only.

const PAUSE = 2000; // ms between two sentences, at least

let last = -Infinity;
let waiting = '';
let timer = 0;

function speak() {
  timer = 0;
  last = performance.now();
  document.getElementById('live').textContent = waiting;
}

/** @param {string} sentence */
export function announce(sentence) {
  waiting = sentence;
  if (timer === 0) timer = window.setTimeout(speak, Math.max(0, last + PAUSE - performance.now()));
}
