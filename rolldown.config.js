// The package's JavaScript: a file for each name that package.json exports, and for what is started as
// a worker. All that `unrolled` itself is made of is one file more, which those share: so a class is the
// same class everywhere, and a page without a bundler asks for no more than two files.

import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { RolldownMagicString } from 'rolldown';

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

/** What an entry only hands on it names once, `export { … } from`, not in an import and an export. */
const handedOn = {
  name: 'handed-on',
  renderChunk(code, { isEntry }) {
    const importing = /^import \{ (.*) \} from (".*");$/m.exec(code);
    const exporting = /^export \{ (.*) \};$/m.exec(code);
    if (!isEntry || !importing || !exporting) return null;
    const [imports, exports] = [importing[1].split(', '), exporting[1].split(', ')];
    const [, , from] = importing;
    const nameOf = (item) => item.split(' as ').at(-1);
    const uses = (name) =>
      code.split(new RegExp(`(?<![\\w$])${name.replace(/\$/g, '\\$&')}(?![\\w$])`)).length - 1;
    const on = imports.filter((item) => exports.includes(nameOf(item)) && uses(nameOf(item)) === 2);
    const handed = on.map(nameOf);
    const needed = imports.filter((item) => !on.includes(item)).join(', ');
    const own = exports.filter((name) => !handed.includes(name)).join(', ');
    const text = new RolldownMagicString(code);
    const write = ({ index, 0: old }, fresh) => text.update(index, index + old.length, fresh);
    write(importing, `import { ${needed} } from ${from};`);
    write(exporting, `export { ${on.join(', ')} } from ${from};\nexport { ${own} };`);
    return { code: text.toString(), map: text.generateMap({ hires: true }).toString() };
  },
};

export default {
  input: [...entries, ...threads].map((file) => `js/${file}`),
  platform: 'neutral',
  plugins: [addresses, handedOn],
  transform: { target: 'es2022' },
  moduleTypes: { '.wasm': 'base64' },
  output: {
    dir: 'dist',
    format: 'esm',
    comments: { annotation: false }, // of what bundlers know for themselves
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
