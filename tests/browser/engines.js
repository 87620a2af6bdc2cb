// The three browser engines, each opened the same way: a page, what it is called, what it answers.
//
//     const page = await firefox.open('http://127.0.0.1:8000/');
//     await page.evaluate(() => document.body.textContent);
//     await page.close();
//
// Each page is a browser of its own, without a window, whose files are in a folder that goes with it.

import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import puppeteer from 'puppeteer-core';
import { chromium as findChromium } from '../tools/chromium.js';

/**
 * @typedef {object} Page
 * @property {() => Promise<string>} title
 * @property {(code: string | ((...args: any[]) => any), ...args: any[]) => Promise<any>} evaluate
 *   the value (JSON) of an expression, or of a function called in the page; promises are awaited
 * @property {(...keys: string[]) => Promise<void>} press  one after another, as 'Tab', ' ', 'Shift+ArrowRight'
 * @property {() => Promise<void>} reload
 * @property {() => Promise<void>} [reopen]
 *   closes the tab, at once, as when a browser is ended, and opens its address in a new one
 * @property {() => Promise<void>} close  ends the browser
 */
/** @typedef {{ name: string, open: (url: string) => Promise<Page> }} Engine */

// Bounds on waiting, in milliseconds, for a slow machine; no measure of speed.
const PATIENCE = 120_000;
const START = 60_000;
const END = 10_000;

/** The path of a program, or a sentence how to get it. @param {string[]} names @param {string} install */
function find(names, install) {
  for (const name of names) {
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
  throw new Error(`${names[0]} was not found: install it (Debian: apt-get install ${install})`);
}

/** A folder for one browser's files. @param {string} name */
function scratch(name) {
  const path = mkdtempSync(join(tmpdir(), `unrolled-${name}-`));
  return {
    path,
    env: { ...process.env, HOME: path },
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 10 }),
  };
}

// ---- Chromium and Firefox -------------------------------------------------------------------------

/**
 * @param {string} url
 * @param {ReturnType<typeof scratch>} folder
 * @param {import('puppeteer-core').LaunchOptions} options
 * @returns {Promise<Page>}
 */
async function openPuppeteer(url, folder, options) {
  /** @type {import('puppeteer-core').Browser} */
  let browser;
  const close = async () => {
    try {
      await browser?.close();
    } finally {
      folder.remove();
    }
  };
  try {
    browser = await puppeteer.launch({
      headless: true,
      env: folder.env,
      userDataDir: join(folder.path, 'profile'),
      timeout: START,
      protocolTimeout: PATIENCE,
      ...options,
    });
    let page = await browser.newPage();
    await page.goto(url, { timeout: PATIENCE });
    return {
      title: () => page.title(),
      evaluate: (code, ...args) => page.evaluate(code, ...args),
      async press(...keys) {
        for (const key of keys) {
          const [last, ...held] = /** @type {any[]} */ (key.split('+').reverse());
          for (const one of held) await page.keyboard.down(one);
          await page.keyboard.press(last);
          for (const one of held) await page.keyboard.up(one);
        }
      },
      async reload() {
        await page.reload({ timeout: PATIENCE });
      },
      async reopen() {
        const address = page.url();
        const next = await browser.newPage(); // before the last one goes, and the browser with it
        await page.close();
        page = next;
        await page.goto(address, { timeout: PATIENCE });
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @type {Engine} */
export const chromium = {
  name: 'Chromium',
  async open(url) {
    const executablePath = findChromium();
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ];
    return openPuppeteer(url, scratch('chromium'), { executablePath, args });
  },
};

/** @type {Engine} */
export const firefox = {
  name: 'Firefox',
  async open(url) {
    const executablePath = find(['firefox-esr', 'firefox'], 'firefox-esr');
    return openPuppeteer(url, scratch('firefox'), { browser: 'firefox', executablePath });
  },
};

// ---- WebKit ---------------------------------------------------------------------------------------

const NEEDS = 'webkit2gtk-driver xvfb xauth';
// The driver lives until standard input ends, so it never outlives this process, however that ends.
const DRIVER = 'WebKitWebDriver --host=127.0.0.1 --port="$1" & read -r _; kill $!; wait';

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** WebKitWebDriver with a display of its own: WebKitGTK has no headless mode. */
async function startDriver() {
  for (const name of ['WebKitWebDriver', 'xvfb-run', 'xauth']) find([name], NEEDS);
  const folder = scratch('webkit');
  const port = await freePort();
  const screen = ['-a', '-s', '-screen 0 1280x900x24'];
  const child = spawn('xvfb-run', [...screen, 'sh', '-c', DRIVER, 'sh', String(port)], {
    // without a language some pages fail: Intl then speaks "C"
    env: { ...folder.env, LC_ALL: 'en_US.UTF-8' },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said = (said + text).slice(-2000);
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));

  /**
   * One command of WebDriver (https://www.w3.org/TR/webdriver2/), and its answer.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {number} [patience]
   */
  async function command(method, path, body, patience = PATIENCE) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    });
    const { value } = /** @type {any} */ (await response.json());
    if (!response.ok) throw new Error(`WebKit: ${value.error}: ${value.message}`);
    return value;
  }

  async function end() {
    child.stdin.on('error', () => {}); // it may be gone
    child.stdin.end();
    await Promise.race([exited, wait(END, null, { ref: false })]);
    child.kill();
    folder.remove();
  }

  async function begun() {
    const deadline = Date.now() + START;
    while (Date.now() < deadline && child.exitCode === null) {
      try {
        await command('GET', '/status', undefined, 1000);
        return;
      } catch {
        await wait(50);
      }
    }
    throw new Error(
      `WebKitWebDriver did not start (Debian: apt-get install ${NEEDS}). ${said}`.trim(),
    );
  }

  try {
    await begun();
    return { command, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** As WebDriver numbers them. */
const WEBDRIVER_KEYS = {
  Tab: '\ue004',
  Enter: '\ue007',
  Shift: '\ue008',
  Escape: '\ue00c',
  ArrowRight: '\ue014',
};

/** @type {Engine} */
export const webkit = {
  name: 'WebKit',
  async open(url) {
    const { command, end } = await startDriver();
    try {
      const { sessionId } = await command('POST', '/session', { capabilities: {} }, START).catch(
        (cause) => {
          // Without a display it would wait for ever.
          const hint = `does its display work (Debian: apt-get install ${NEEDS})?`;
          throw new Error(`WebKit opened no window: ${hint} ${cause.message}`, { cause });
        },
      );
      const at = `/session/${sessionId}`;
      await command('POST', `${at}/timeouts`, { script: PATIENCE, pageLoad: PATIENCE });
      await command('POST', `${at}/url`, { url });
      return {
        title: () => command('GET', `${at}/title`),
        async evaluate(code, ...args) {
          const value = typeof code === 'function' ? `(${code})(...given)` : `(${code}\n)`;
          const script = `
            const given = [...arguments], done = given.pop();
            (async () => ${value})().then(
              (value) => done({ value }),
              (error) => done({ error: String(error) }),
            );`;
          const answer = await command('POST', `${at}/execute/async`, { script, args });
          if (answer.error) throw new Error(answer.error);
          return answer.value;
        },
        async press(...keys) {
          for (const key of keys) {
            const values = key.split('+').map((name) => WEBDRIVER_KEYS[name] ?? name);
            const down = values.map((value) => ({ type: 'keyDown', value }));
            const up = values.map((value) => ({ type: 'keyUp', value })).reverse();
            const actions = [{ type: 'key', id: 'keyboard', actions: [...down, ...up] }];
            await command('POST', `${at}/actions`, { actions });
          }
        },
        reload: () => command('POST', `${at}/refresh`, {}),
        async close() {
          await command('DELETE', at, undefined, END).catch(() => {}); // the end comes anyway
          await end();
        },
      };
    } catch (error) {
      await end();
      throw error;
    }
  },
};

export const engines = [chromium, firefox, webkit];
