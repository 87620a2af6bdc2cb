// The trainings of the built page in three engines: by keyboard alone, from a link, over a reload, after
// the loss of a worker, with weights out and in, without a network. What a run comes to is compared
// with the same run in Node, to the bit.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as unrolled from 'unrolled';
import { experiments } from '../../web/experiments/index.js';
import { chromium, engines } from './engines.js';
import { serve } from './serve.js';

/** @import { Page } from './engines.js' */
/** @import { Session, Training, Values } from '../../web/experiments/types.js' */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILT = process.env.UNROLLED_PAGE ?? join(ROOT, 'build/page');
const PATIENCE = 120_000; // ms: a bound on waiting for a slow machine, not a measure of speed
const CARD = '[id="003-lstm"]';

before(async () => {
  assert.ok(existsSync(join(BUILT, 'index.html')), 'build the page first: ./build.sh');
  await unrolled.init();
});

// ---- The same run in Node -------------------------------------------------------------------------

const training = /** @type {Training} */ (experiments.find(({ id }) => id === '003-lstm'));

/**
 * The mean losses of a run as the page shows them, and its weights.
 * @param {Values} values @param {number} [steps]
 */
async function inNode(values, steps = Infinity) {
  const session = training.create(unrolled, values);
  const means = [];
  for await (const { epoch, epochLoss } of session.fit()) {
    means[epoch] = epochLoss.toPrecision(9);
    if (session.done() >= steps) break;
  }
  const weights = session.model.stateDict();
  session.dispose();
  return { means, weights };
}

/** @param {Values} values */
const link = (values) =>
  `#003-lstm?${Object.entries(values)
    .map(([name, value]) => `003-lstm.${name}=${value}`)
    .join('&')}`;

// ---- The page -------------------------------------------------------------------------------------

/** Waits for a condition that is told in the page's own words. @param {() => Promise<any>} condition @param {string} what */
async function until(condition, what) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const met = await condition();
    if (met) return met;
    await wait(40);
  }
  assert.fail(`waited in vain: ${what}`);
}

/** A training's card, for who sees and clicks. @param {Page} page */
function cardOf(page) {
  const state = () => page.evaluate((card) => document.querySelector(card)?.dataset.state, CARD);
  return {
    state,
    reached: (/** @type {string} */ wanted) =>
      until(async () => {
        const now = await state();
        const text = (/** @type {string} */ part) =>
          page.evaluate((selector) => document.querySelector(selector)?.textContent, part);
        if (now === 'failed' && wanted !== 'failed') assert.fail(await text(`${CARD} .failure`));
        return now === wanted;
      }, `${wanted}`),
    /** @param {string} selector @param {string} label */
    click: (selector, label) =>
      page.evaluate(
        (inside, text) => {
          const all = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(inside)]);
          all.find(({ textContent }) => textContent === text).click();
        },
        `${CARD} ${selector} button`,
        label,
      ),
    /** @param {string} part @returns {Promise<string>} */
    text: (part) =>
      page.evaluate((selector) => document.querySelector(selector).textContent, `${CARD} ${part}`),
    steps: async () => {
      const text = await page.evaluate(
        (selector) => document.querySelector(selector).textContent,
        `${CARD} [data-fact="step"]`,
      );
      return Number(text.split('/')[0].replaceAll(',', ''));
    },
    /** The mean losses in the table behind the curve. @returns {Promise<string[]>} */
    losses: () =>
      page.evaluate(async (card) => {
        const details = /** @type {HTMLDetailsElement} */ (
          document.querySelector(`${card} .chart .data`)
        );
        details.open = false;
        await new Promise((resolve) => setTimeout(resolve, 30));
        details.open = true;
        await new Promise((resolve) => setTimeout(resolve, 60));
        return [...details.querySelectorAll('tbody tr')].map((row) => row.children[1].textContent);
      }, CARD),
  };
}

/** After how many steps the runs were saved that wait in the page's store. @param {Page} page @returns {Promise<number[]>} */
const savedSteps = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        const opening = indexedDB.open('unrolled');
        opening.onsuccess = () => {
          const asked = opening.result.transaction('runs').objectStore('runs').getAll();
          asked.onsuccess = () => {
            opening.result.close();
            resolve(asked.result.map(({ done }) => done));
          };
        };
      }),
  );

/** The weights, as the page saves them. @param {Page} page @returns {Promise<Uint8Array>} */
async function savedWeights(page) {
  await page.evaluate(() => {
    const w = /** @type {any} */ (window);
    w.savedFiles = [];
    HTMLAnchorElement.prototype.click = function () {
      w.savedFiles.push(
        fetch(this.href).then((answer) => answer.arrayBuffer()),
        this.download,
      );
    };
    // a page that may not connect to blob: hands the blob itself
    URL.createObjectURL = (/** @type {any} */ blob) => {
      w.savedBlob = blob;
      return 'data:,';
    };
    w.fetch = () => Promise.resolve(w.savedBlob);
  });
  await cardOf(page).click('.takeaway', 'Save weights');
  const list = await until(
    () =>
      page.evaluate(async () => {
        const w = /** @type {any} */ (window);
        if (w.savedFiles.length === 0) return null;
        return [...new Uint8Array(await w.savedFiles[0])];
      }),
    'the file of weights',
  );
  return Uint8Array.from(list);
}

/** A file comes, chosen or dropped. @param {Page} page @param {Uint8Array} bytes @param {string} name @param {'choose' | 'drop'} how */
const bring = (page, bytes, name, how) =>
  page.evaluate(
    (card, list, fileName, way) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(list)], fileName));
      if (way === 'drop') {
        const event = new DragEvent('drop', { bubbles: true, cancelable: true });
        Object.defineProperty(event, 'dataTransfer', { value: transfer });
        document.querySelector(`${card} .chart`).dispatchEvent(event);
        return;
      }
      const input = /** @type {HTMLInputElement} */ (
        document.querySelector(`${card} input[type="file"]`)
      );
      input.files = transfer.files;
      input.dispatchEvent(new Event('change'));
    },
    CARD,
    [...bytes],
    name,
    how,
  );

for (const engine of engines) {
  describe(`learning, ${engine.name}`, () => {
    /** @type {Awaited<ReturnType<typeof serve>>} */
    let server;
    /** @type {Page} */
    let page;
    /** @type {ReturnType<typeof cardOf>} */
    let card;

    before(async () => {
      server = await serve(BUILT, '/some/folder/');
      page = await engine.open(server.url);
      card = cardOf(page);
    });
    after(async () => {
      await page?.close();
      await server?.close();
    });

    /** @param {Values} values */
    async function follow(values) {
      await page.evaluate((hash) => {
        location.hash = hash;
      }, link(values));
      await wait(50);
      await card.reached('ready');
    }

    test('by keyboard alone, from start to stop', async () => {
      await follow({ hidden: 96, seed: 5 });
      // from the top of the box to its first button
      await page.evaluate(
        (selector) => /** @type {HTMLElement} */ (document.querySelector(selector)).focus(),
        CARD,
      );
      const focused = () => page.evaluate(() => document.activeElement.textContent);
      for (let tabs = 0; (await focused()) !== 'Start'; tabs++) {
        assert.ok(tabs < 40, 'the Start button cannot be reached');
        await page.press('Tab');
      }
      await page.press('ArrowRight');
      await until(async () => (await card.steps()) === 1, 'one step');
      await card.reached('paused');
      await page.press('Shift+ArrowRight');
      await until(async () => (await card.steps()) === 25, 'the end of the epoch');
      await card.reached('paused');
      assert.equal((await card.losses()).length, 1);
      await page.press('Enter');
      await card.reached('running');
      await until(async () => (await card.steps()) > 30, 'more steps');
      await page.press(' '); // on the button: pause
      await card.reached('paused');
      await page.press(' ');
      await card.reached('running');
      await page.press('Escape');
      await card.reached('stopped');
      await page.press('r');
      await card.reached('ready');
      assert.equal(await card.steps(), 0);
    });

    test('in a field, keys are the field’s', async () => {
      const focused = () =>
        page.evaluate(() => {
          document.getElementById('003-lstm-lr').focus();
          return document.activeElement.id;
        });
      assert.equal(await focused(), '003-lstm-lr');
      await page.press('ArrowRight', 'r', 'Escape', ' ');
      await wait(100);
      assert.equal(await card.state(), 'ready');
      assert.equal(await card.steps(), 0);
    });

    const steered = {
      cell: 'GRU',
      changes: [
        { step: 10, name: 'lr', value: 0.005 },
        { step: 30, name: 'loss', value: 'repaired' },
      ],
      epochs: 4,
      hidden: 7,
      lr: 0.002,
      optimizer: 'RMSprop',
      seed: 11,
    };

    test('a link is the whole run: its losses and weights, to the bit', async () => {
      await follow({ ...steered, changes: '10:lr=0.005,30:loss=repaired' });
      await card.click('.transport', 'Start');
      await card.reached('finished');
      const { means, weights } = await inNode(steered);
      assert.deepEqual(await card.losses(), means);
      const bytes = await savedWeights(page);
      assert.deepEqual({ ...unrolled.loadSafetensors(bytes) }, { ...weights });
      const { steps, ...values } = JSON.parse(unrolled.readSafetensorsMetadata(bytes).run);
      assert.equal(steps, 100);
      assert.equal(values.cell, 'GRU');
    });

    test('what is changed while it trains is in the link, and repeated by it', async () => {
      await follow({ epochs: 400, hidden: 64, seed: 3 });
      await card.click('.transport', 'Start');
      await until(async () => (await card.steps()) > 25, 'an epoch');
      await page.evaluate((selector) => {
        /** @type {HTMLElement} */ (document.querySelector(selector)).click();
      }, `${CARD} input[value="repaired"]`);
      const hash = await until(
        () => page.evaluate(() => location.hash.includes('changes') && location.hash),
        'the change in the link',
      );
      const [, step] = /003-lstm\.changes=(\d+):loss=repaired/.exec(hash);
      await until(async () => (await card.steps()) > Number(step) + 50, 'steps after the change');
      await card.click('.transport', 'Pause');
      await card.reached('paused');
      assert.match(await card.text('.steering'), /after step [\d,]+: loss fixed/);
      const done = await card.steps();
      const changes = [{ step: Number(step), name: 'loss', value: 'repaired' }];
      const { weights } = await inNode({ epochs: 400, hidden: 64, seed: 3, changes }, done);
      const bytes = await savedWeights(page);
      assert.deepEqual({ ...unrolled.loadSafetensors(bytes) }, { ...weights });
      await card.click('.transport', 'Stop');
      await card.reached('stopped');
    });

    test('weights come in by file and by drop; a wrong file changes nothing', async () => {
      const values = { hidden: 5, seed: 21 };
      await follow(values);
      const untrained = await card.text('.probes');
      const donor = training.create(unrolled, { hidden: 5, seed: 99 });
      const good = unrolled.saveSafetensors(donor.model.stateDict());
      const other = training.create(unrolled, { hidden: 6 });
      const misfit = unrolled.saveSafetensors(other.model.stateDict());
      const answer = donor.predict([1, 11, 12]).toFixed(4).replace('-', '−');
      const said = (/** @type {RegExp} */ pattern) =>
        until(async () => pattern.test(await card.text('.said')), String(pattern));

      await bring(page, new TextEncoder().encode('no weights at all'), 'letter.txt', 'choose');
      await said(/^letter\.txt was not taken, nothing has changed: safetensors: /);
      await bring(page, misfit, 'six.safetensors', 'drop');
      await said(/^six\.safetensors was not taken, nothing has changed: .*rnn\.weight_ih_l0/);
      assert.equal(await card.text('.probes'), untrained);

      for (const how of /** @type {const} */ (['choose', 'drop'])) {
        await bring(page, good, `${how}.safetensors`, how);
        await said(new RegExp(`^The weights of ${how}\\.safetensors are in`));
        assert.ok((await card.text('.probes')).includes(answer));
        await page.evaluate(
          (hash) => {
            location.hash = hash;
          },
          link({ hidden: 5, seed: how === 'choose' ? 22 : 23 }),
        );
        await wait(50);
        await card.reached('ready');
      }
      donor.dispose();
      other.dispose();
    });

    test('after a reload it goes on where it was', async () => {
      const values = { epochs: 3, hidden: 9, seed: 8 };
      await follow(values);
      for (const done of [1, 2, 3]) {
        await card.click('.transport', 'Step');
        await until(async () => (await card.steps()) === done, 'a step');
        await card.reached('paused');
      }
      await until(async () => (await savedSteps(page)).includes(3), 'the run to be saved');
      await page.reload();
      await card.reached('ready');
      await until(async () => /step 3 of 75/.test(await card.text('.offer')), 'the offer');
      await card.click('.offer', 'Go on from there');
      await card.reached('finished');
      assert.deepEqual(await card.losses(), (await inNode(values)).means);
      await page.reload();
      await card.reached('ready');
      await wait(200);
      assert.equal(
        await page.evaluate((s) => document.querySelector(s).hidden, `${CARD} .offer`),
        true,
      );
    });

    if (engine.name === 'Chromium') {
      test('a tab that is closed while it trains loses nothing but the time since it was saved', async () => {
        const values = { epochs: 600, hidden: 96, seed: 17 };
        await follow(values);
        await card.click('.transport', 'Start');
        await until(
          async () => (await savedSteps(page)).some((done) => done > 0),
          'the run to be saved',
        );
        assert.equal(await card.state(), 'running');
        await page.reopen();
        await card.reached('ready');
        await until(async () => /step .* of 15,000/.test(await card.text('.offer')), 'the offer');
        await card.click('.offer', 'Go on from there');
        await card.reached('finished');
        const { weights } = await inNode(values);
        assert.deepEqual({ ...unrolled.loadSafetensors(await savedWeights(page)) }, { ...weights });
      });
    }

    test('of two tabs with the same training, the one that saves first does so alone', async () => {
      await page.evaluate(
        (hash) => {
          // a frame has workers, storage and locks as another tab has
          const frame = document.createElement('iframe');
          frame.src = location.pathname + hash;
          frame.id = 'other';
          frame.width = frame.height = '600';
          document.querySelector('.training').before(frame);
          frame.scrollIntoView();
        },
        link({ epochs: 4, hidden: 9, seed: 31 }),
      );
      const inOther = (/** @type {string} */ selector, /** @type {'click' | 'state'} */ what) =>
        page.evaluate(
          (one, act) => {
            const frame = /** @type {HTMLIFrameElement} */ (document.getElementById('other'));
            const node = /** @type {HTMLElement} */ (frame.contentDocument.querySelector(one));
            return act === 'click' ? node.click() : node?.dataset.state;
          },
          selector,
          what,
        );
      const reached = (/** @type {string} */ state) =>
        until(async () => (await inOther(CARD, 'state')) === state, `${state} in the frame`);
      await reached('ready');
      await inOther(`${CARD} .transport button:nth-of-type(2)`, 'click');
      await until(async () => (await savedSteps(page)).includes(1), 'the run of the frame');

      const values = { epochs: 10000, hidden: 9, seed: 32 };
      await follow(values);
      await card.click('.transport', 'Start');
      await until(async () => /another tab/.test(await card.text('.note')), 'the note');
      assert.deepEqual(await savedSteps(page), [1]);
      await page.evaluate(() => document.getElementById('other').remove());
      await until(async () => !(await savedSteps(page)).includes(1), 'the run of the page');
      await until(async () => (await card.text('.note')) === '', 'no note');
      await card.click('.transport', 'Stop');
      await card.reached('stopped');
      assert.deepEqual(await savedSteps(page), []);
    });

    test('a worker that is lost is reported, and another goes on', async () => {
      const values = { epochs: 240, hidden: 48, seed: 13 };
      await page.evaluate(() => {
        const w = /** @type {any} */ (window);
        const Real = w.Worker;
        w.workers = [];
        w.Worker = class extends Real {
          constructor(...args) {
            super(...args);
            w.workers.push(this);
          }
        };
      });
      await follow(values);
      await card.click('.transport', 'Epoch');
      await until(async () => (await card.steps()) === 25, 'an epoch');
      await card.reached('paused');
      await card.click('.transport', 'Resume');
      // it is steered after it was saved: the other one must follow
      const hash = await page.evaluate(async (selector) => {
        /** @type {HTMLElement} */ (document.querySelector(selector)).click();
        while (!location.hash.includes('changes')) await new Promise((done) => setTimeout(done, 5));
        /** @type {any} */ (window).workers.at(-1).terminate();
        return location.hash;
      }, `${CARD} input[value="repaired"]`);
      const [, step] = /changes=(\d+):loss=repaired/.exec(hash);
      const changes = [{ step: Number(step), name: 'loss', value: 'repaired' }];
      await card.reached('finished');
      assert.match(await card.text('.note'), /worker .*gone.*from step 25/);
      const { weights } = await inNode({ ...values, changes });
      assert.deepEqual({ ...unrolled.loadSafetensors(await savedWeights(page)) }, { ...weights });
    });

    if (engine.name !== 'WebKit') {
      test('offline it comes back, and trains', async () => {
        await until(
          () => page.evaluate(() => document.documentElement.dataset.offline),
          'the service worker',
        );
        await server.close();
        await page.evaluate(() => {
          location.hash = '#003-lstm?003-lstm.hidden=3&003-lstm.epochs=2';
        });
        await page.reload();
        await card.reached('ready');
        await card.click('.transport', 'Start');
        await card.reached('finished');
        assert.deepEqual(await card.losses(), (await inNode({ hidden: 3, epochs: 2 })).means);
      });
    }
  });
}

describe('taken away', () => {
  test('copied as JavaScript, it prints the digits of the page', async () => {
    const server = await serve(BUILT, '/');
    const page = await chromium.open(
      `${server.url}${link({ epochs: 3, hidden: 8, seed: 2, changes: '30:loss=repaired' })}`,
    );
    try {
      const card = cardOf(page);
      await card.reached('ready');
      await card.click('.transport', 'Start');
      await card.reached('finished');
      await card.click('.takeaway', 'Copy as JavaScript');
      const read = () =>
        page.evaluate((card) => {
          const area = document.querySelector(`${card} .copied textarea`);
          return /** @type {HTMLTextAreaElement | null} */ (area)?.value;
        }, CARD);
      const input = await until(read, 'the program');
      const { stdout } = spawnSync(process.execPath, ['--input-type=module'], {
        cwd: ROOT,
        input,
        encoding: 'utf8',
      });
      const printed = stdout.trim().split('\n');
      assert.deepEqual(
        printed.map((line) => line.split(' ')[1]),
        await card.losses(),
      );
    } finally {
      await page.close();
      await server.close();
    }
  });

  test('a new version waits until it is asked for, then takes over', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'unrolled-page-'));
    cpSync(BUILT, folder, { recursive: true });
    const server = await serve(folder, '/a/');
    const page = await chromium.open(server.url);
    try {
      const offline = () => page.evaluate(() => document.documentElement.dataset.offline);
      await until(offline, 'the service worker');
      const html = join(folder, 'index.html');
      writeFileSync(html, readFileSync(html, 'utf8').replace('<title>', '<title>New: '));
      const script = join(folder, 'service-worker.js');
      const source = readFileSync(script, 'utf8');
      writeFileSync(script, source.replace(/VERSION = "\w+"/, 'VERSION = "another"'));
      await page.reload();
      const offered = () =>
        page.evaluate(() => /new version/.test(document.getElementById('offline').textContent));
      await until(offered, 'the offer');
      assert.doesNotMatch(await page.title(), /^New/);
      await page.evaluate(() =>
        /** @type {HTMLElement} */ (document.querySelector('#offline button')).click(),
      );
      await until(async () => /^New/.test(await page.title().catch(() => '')), 'the new version');
      const names = await page.evaluate(() => caches.keys());
      assert.deepEqual(names, [`unrolled ${server.url} another`]);
    } finally {
      await page.close();
      await server.close();
      rmSync(folder, { recursive: true });
    }
  });
});
