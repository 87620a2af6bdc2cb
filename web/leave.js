// Asks before the page is left while something trains.

/** @type {Set<object>} who trains */
const busy = new Set();

addEventListener('beforeunload', (event) => {
  if (busy.size > 0) event.preventDefault();
});

/** @param {object} who @param {boolean} trains */
export function holdPage(who, trains) {
  if (trains) busy.add(who);
  else busy.delete(who);
}
