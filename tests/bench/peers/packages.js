// The npm packages of the peers, from where setup.sh puts them.

import { createRequire } from 'node:module';

const FOLDER = new URL('../../../build/peers/', import.meta.url);

export const require = createRequire(FOLDER);

/** Its version, or null when it is not installed. @param {string} name @returns {string | null} */
export function versionOf(name) {
  try {
    return require(new URL(`node_modules/${name}/package.json`, FOLDER).pathname).version;
  } catch {
    return null;
  }
}
