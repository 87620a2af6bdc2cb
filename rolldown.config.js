// The package's JavaScript: a file for each name that package.json exports, and for what is started as
// a worker. All that `unrolled` itself is made of is one file more, which those share: so a class is the
// same class everywhere, and a page without a bundler asks for no more than two files.

import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const INDEX = resolve('js/index.js');
const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
const entries = Object.values(exports).flatMap(
  ({ default: file }) => file?.replace('./dist/', '') ?? [],
);
const threads = readdirSync('js').filter((file) => file.endsWith('_thread.js'));

/** What can be reached from a module, itself included. @returns {Set<string>} */
function reach(id, graph, found = new Set()) {
  if (found.has(id)) return found;
  found.add(id);
  for (const next of graph.getModuleInfo(id)?.importedIds ?? []) reach(next, graph, found);
  return found;
}

/** The addresses that bundlers look for, in the quotes in which they look: the minifier has its own. */
const addresses = {
  name: 'addresses',
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.type === 'chunk')
        file.code = file.code.replace(/new URL\(`([^`$]*)`/g, 'new URL("$1"');
    }
  },
};

export default {
  input: [...entries, ...threads].map((file) => `js/${file}`),
  platform: 'neutral',
  plugins: [addresses],
  transform: { target: 'es2022' },
  moduleTypes: { '.wasm': 'base64' },
  output: {
    dir: 'dist',
    format: 'esm',
    minify: true,
    sourcemap: true,
    chunkFileNames: 'part-[hash].js',
    hashCharacters: 'base36',
    codeSplitting: {
      groups: [
        {
          debugName: 'core',
          name: (id, graph) => (id !== INDEX && reach(INDEX, graph).has(id) ? 'core' : null),
        },
      ],
    },
  },
};
