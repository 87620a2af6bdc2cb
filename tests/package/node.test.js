// The packed package in Node, and for TypeScript.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { assertTrained, pack, run, training } from './consumer.js';

/** @type {import('./consumer.js').Packed} */
let packed;
before(async () => {
  packed = await pack('node');
});

/** Runs a file of a project; what it prints, as JSON. @param {string} folder @param {string} file */
async function node(folder, file) {
  const { stdout } = await run(process.execPath, [file], { cwd: folder });
  return JSON.parse(stdout);
}

const PRINT = '.then((losses) => console.log(JSON.stringify(losses)));';

describe('Node', () => {
  for (const name of ['unrolled', 'unrolled/inline']) {
    test(`import ${name}`, async () => {
      const folder = await packed.project(`import-${name.replace('/', '-')}`, {
        'main.mjs': `import * as unrolled from '${name}';\n${training()}${PRINT}`,
      });
      assertTrained(await node(folder, 'main.mjs'));
    });

    test(`require ${name}`, async () => {
      const folder = await packed.project(`require-${name.replace('/', '-')}`, {
        'main.cjs': `const unrolled = require('${name}');\n${training()}${PRINT}`,
      });
      assertTrained(await node(folder, 'main.cjs'));
    });
  }

  test('unrolled and unrolled/inline are one library', async () => {
    const folder = await packed.project('both', {
      'main.mjs': `
        import * as unrolled from 'unrolled';
        import * as inline from 'unrolled/inline';
        const same = Object.keys(unrolled).filter((name) => unrolled[name] === inline[name]);
        const others = Object.keys(inline).filter((name) => !same.includes(name));
        await Promise.all([unrolled.init(), inline.init()]);
        unrolled.manualSeed(1);
        const [a] = inline.rand(1);
        unrolled.manualSeed(1);
        const [b] = unrolled.rand(1);
        console.log(JSON.stringify({ others, equal: a === b, count: same.length }));`,
    });
    const { others, equal, count } = await node(folder, 'main.mjs');
    assert.deepEqual(others, ['init']);
    assert.ok(equal && count > 50);
  });

  // Workers of the edge compile nothing at run time: they hand over a module.
  for (const name of ['unrolled', 'unrolled/inline']) {
    test(`a runtime that only hands over a module: ${name}`, async () => {
      const folder = await packed.project(`module-${name.replace('/', '-')}`, {
        'main.mjs': `
          import { readFileSync } from 'node:fs';
          const { log } = console;
          const module = await WebAssembly.compile(
            readFileSync(new URL(import.meta.resolve('unrolled/unrolled.wasm'))),
          );
          const refuse = () => { throw new Error('code generation from bytes is not allowed'); };
          const { instantiate } = WebAssembly;
          Object.assign(WebAssembly, {
            compile: refuse,
            validate: refuse,
            compileStreaming: refuse,
            instantiateStreaming: refuse,
            instantiate: (source, imports) =>
              source instanceof WebAssembly.Module ? instantiate(source, imports) : refuse(),
          });
          for (const gone of ['process', 'fetch', 'Response', 'location']) delete globalThis[gone];
          const unrolled = await import('${name}');
          log(JSON.stringify(await ${training('{ wasm: module }')}));`,
      });
      assertTrained(await node(folder, 'main.mjs'));
    });
  }
});

describe('TypeScript', () => {
  const SOURCE = `
    import { init, Adam, DataLoader, LastStep, Linear, LSTM, MSELoss, Sequential, ShapeError, Trainer } from 'unrolled';
    import type { Progress, SequenceResult, StateDict } from 'unrolled';
    import * as inline from 'unrolled/inline';

    await init({ wasm: new URL('https://example.org/unrolled.wasm') });
    await inline.init();
    const lstm: inline.LSTM = new LSTM(1, 8, { batchFirst: true });
    const { output, cn }: SequenceResult & { cn: Float32Array } = lstm.forward(new Float32Array(4));
    const model = new Sequential({ rnn: lstm, last: new LastStep(), fc: new Linear(8, 1) });
    const optimizer = new Adam(model.parameters(), { lr: 0.01 });
    const trainer = new Trainer(model, { loss: new MSELoss(), optimizer });
    const data = new DataLoader({ inputs: output, targets: cn, samples: 8 });
    for await (const { loss } of trainer.fit(data, { epochs: 1 })) loss.toFixed();
    const last: Progress | undefined = undefined;
    const state: StateDict = model.stateDict();
    const error: Error = new ShapeError('text');
    using freed = new Linear(1, 1);
    export { error, freed, last, state };
    // @ts-expect-error a name that is not there
    lstm.forwards;
    // @ts-expect-error a misspelt option
    new LSTM(1, 8, { batchfirst: true });
  `;
  /** @type {Record<string, object>} */
  const ways = {
    nodenext: { module: 'nodenext', lib: ['es2022', 'dom', 'esnext.disposable'] },
    bundler: { module: 'esnext', moduleResolution: 'bundler', lib: ['esnext', 'dom'] },
  };
  for (const [name, options] of Object.entries(ways)) {
    test(name, async () => {
      const compilerOptions = {
        ...{ noEmit: true, strict: true, skipLibCheck: false, target: 'es2022', types: [] },
        ...options,
      };
      const folder = await packed.project(`types-${name}`, {
        'package.json': '{ "private": true, "type": "module" }',
        'main.ts': SOURCE,
        'tsconfig.json': JSON.stringify({ compilerOptions, files: ['main.ts'] }),
      });
      const tsc = new URL('../../node_modules/.bin/tsc', import.meta.url).pathname;
      const { stdout } = await run(tsc, ['-p', folder]).catch((failure) => failure);
      assert.equal(stdout, '');
    });
  }
});
