// Puts the page together: the experiments into their notebooks, the marks into the overview, the facts
// into the hero.

import { announce } from './announce.js';
import { createCheck } from './check.js';
import { descriptions } from './descriptions.js';
import { element } from './dom.js';
import { createEngine } from './engine.js';
import { trainings } from './experiments/trainings.js';
import { createHero } from './hero.js';
import { keepOffline } from './offline.js';
import { goToPlace } from './state.js';
import { count, kilobytes } from './text.js';
import { createTraining } from './training.js';
import { tally } from './verdict.js';

const $ = (/** @type {string} */ id) => document.getElementById(id);

const SETTLED = 2500; // ms, by when the page has its height

/** What a mark says to those who do not see its colour. */
const SPOKEN = {
  waiting: 'not yet run',
  agrees: 'agrees',
  differs: 'differs',
  open: 'cannot be reproduced',
  training: 'a training, not started',
  running: 'training now',
  paused: 'paused',
};

/** @param {Element} section @param {import('./check.js').Card[]} checks @param {import('./engine.js').Engine} engine */
function fill(section, checks, engine) {
  const { notebook } = /** @type {HTMLElement} */ (section).dataset;
  const title = section.querySelector('h2').textContent;
  const marks = element('ul', { class: 'marks' });
  for (const experiment of descriptions.filter((one) => one.notebook === notebook)) {
    const said = element('span', { class: 'unseen' });
    const mark = element(
      'a',
      { class: 'mark', href: `#${experiment.id}`, title: experiment.title },
      said,
    );
    const setMark = (/** @type {string} */ verdict) => {
      mark.dataset.verdict = verdict;
      said.textContent = `${experiment.title}: ${SPOKEN[verdict]}`;
    };
    setMark(experiment.kind === 'training' ? 'training' : 'waiting');
    marks.append(element('li', {}, mark));
    const place = section.querySelector('.experiments');
    if (experiment.kind === 'training') {
      place.append(
        createTraining(
          trainings.find(({ id }) => id === experiment.id),
          setMark,
        ),
      );
    } else {
      const card = createCheck(experiment, engine, setMark);
      checks.push(card);
      place.append(card.node);
    }
  }
  $('nav').append(element('a', { href: `#${section.id}` }, notebook));
  $('board').append(
    element(
      'li',
      {},
      element('span', { class: 'board-number' }, notebook),
      element('a', { href: `#${section.id}` }, title),
      marks,
    ),
  );
}

/** The notebook on the screen is the current one in the navigation. */
function followScroll() {
  const links = new Map(
    [...$('nav').querySelectorAll('a')].map((link) => [link.hash.slice(1), link]),
  );
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const link = links.get(target.id);
        if (isIntersecting) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
      }
    },
    { rootMargin: '-40% 0px -60% 0px' },
  );
  for (const section of document.querySelectorAll('.notebook')) observer.observe(section);
}

/** @param {import('./check.js').Card[]} checks */
async function runAll(checks) {
  const rows = (await Promise.all(checks.map((check) => check.run()))).flatMap((all) => all ?? []);
  const { agrees, differs, open } = tally(rows);
  const sentence =
    `Of ${count(rows.length)} comparisons, ${count(agrees)} agree, ${count(differs)} differ, ` +
    `${count(open)} cannot be reproduced, each with its reason.`;
  $('board-summary').textContent = sentence;
  announce(sentence);
}

/** Keeps the place that the address names in sight while what is above it grows. */
function holdPlace() {
  const observer = new ResizeObserver(goToPlace);
  const end = () => observer.disconnect();
  observer.observe($('top'));
  for (const moved of ['wheel', 'touchstart', 'pointerdown', 'keydown']) {
    addEventListener(moved, end, { once: true, passive: true });
  }
  setTimeout(end, SETTLED);
}

async function start() {
  const engine = createEngine();
  /** @type {import('./check.js').Card[]} */
  const checks = [];
  for (const section of document.querySelectorAll('.notebook')) fill(section, checks, engine);
  $('run-all').addEventListener('click', () => runAll(checks));
  followScroll();
  const trainWave = createHero($('hero-figure'), (stepsPerSecond) => {
    $('fact-speed').textContent = count(stepsPerSecond);
  });
  holdPlace();
  try {
    const { version, simd, wasmBytes } = await engine.call('load');
    $('version').textContent = `${version} · ${simd}`;
    $('fact-size').textContent = wasmBytes > 0 ? kilobytes(wasmBytes) : '–';
  } catch (error) {
    $('failure').textContent = `The library could not be started: ${error.message}`;
    $('failure').hidden = false;
    return;
  }
  trainWave();
  keepOffline($('offline'));
}

start();
