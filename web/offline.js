// Works offline after the first visit (service-worker.js), and says when a new version waits.

import { announce } from './announce.js';
import { element } from './dom.js';

/** @param {HTMLElement} place where a new version is offered */
export async function keepOffline(place) {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  let asked = false;
  serviceWorker.addEventListener('controllerchange', () => {
    if (asked) location.reload();
  });
  /** @param {ServiceWorker} waiting */
  const offer = (waiting) => {
    const take = () => {
      asked = true;
      waiting.postMessage('take over');
    };
    const button = element('button', { type: 'button', class: 'link', onclick: take }, 'Load it');
    place.replaceChildren('A new version of this page is here. ', button);
    announce('A new version of this page is here.');
  };
  try {
    const registration = await serviceWorker.register('./service-worker.js');
    if (registration.waiting && serviceWorker.controller) offer(registration.waiting);
    registration.addEventListener('updatefound', () => {
      const { installing } = registration;
      installing.addEventListener('statechange', () => {
        if (installing.state === 'installed' && serviceWorker.controller) offer(installing);
      });
    });
    await serviceWorker.ready;
    document.documentElement.dataset.offline = 'ready';
    if (!place.textContent) place.textContent = 'It works offline from now on.';
  } catch {
    // the page works without it, only not offline
  }
}
