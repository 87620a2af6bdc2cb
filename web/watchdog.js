// Notices when a worker has gone: a worker that is killed says nothing. After some silence it is asked
// for a sign of life, and given time: so a page that slept, or a long step, is no false alarm.

const LOOK = 1000; // ms between two looks
const SILENCE = 3000; // ms without a word
const ANSWER = 3000; // ms for the sign of life

/** @param {import('./engine.js').Engine} engine */
export function watch(engine) {
  let heard = performance.now();
  let asking = false;
  const look = async () => {
    if (asking || performance.now() - heard < SILENCE) return;
    asking = true;
    const late = new Promise((resolve) => setTimeout(resolve, ANSWER, 'late'));
    const first = await Promise.race([engine.call('load').catch(() => 'ended'), late]);
    asking = false;
    heard = performance.now();
    if (first === 'late') engine.lose('The worker has gone.');
  };
  const timer = setInterval(look, LOOK);
  return {
    /** The worker said something. */
    heard() {
      heard = performance.now();
    },
    end: () => clearInterval(timer),
  };
}
