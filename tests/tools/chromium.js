// Where Chromium is: for the browser tests, and, run as a program, for build.sh.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * The path of $CHROMIUM, or else of the first Chromium or Chrome on PATH.
 * @throws {Error} that says how to get one
 */
export function chromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of NAMES) {
    for (const folder of process.env.PATH.split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not here: look further
      }
    }
  }
  throw new Error(
    'Chromium was not found: install it (Debian: apt-get install chromium), or name it in $CHROMIUM',
  );
}

if (import.meta.filename === process.argv[1]) {
  try {
    console.log(chromium());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
