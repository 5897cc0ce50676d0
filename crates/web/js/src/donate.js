// @ts-check
/** The page "Donate in this tab": shows what the courier does, and tells it what the visitor wants. */

import { element, lacking, show } from './browser.js';
import { cairn, compile, start } from './engine.js';
import { together } from './locks.js';
import { Store } from './store.js';
import { DOING, NO_WORK, PAUSES, PHASES, count, saying, several } from './words.js';

/** Lines of the log that stay. */
const LINES = 30;

const button = element('start', HTMLButtonElement);
const pause = element('pause', HTMLButtonElement);
const cores = element('cores', HTMLInputElement);
const cap = element('cap', HTMLInputElement);
const status = element('status', HTMLElement);
const trouble = element('trouble', HTMLElement);
const log = element('log', HTMLUListElement);
const slots = element('slots', HTMLUListElement);

/** @type {Worker | null} */
let courier = null;
/** @type {Store} */
let store;
let key = '';
let paused = false;
let waiting = 0;
let lasting = true;

/** @param {ToCourier} message */
const send = (message) => courier?.postMessage(message);

/** @returns {Wishes} */
function wishes() {
  const gigabytes = Math.min(8, Math.max(1, navigator.deviceMemory ?? 4));
  return {
    cores: Number(cores.value),
    cap: Number(cap.value),
    memory: Math.floor((gigabytes * 2 ** 30) / 2),
    project: new URLSearchParams(location.search).get('project'),
  };
}

/** @param {string} what @param {string} detail */
function say(what, detail) {
  const { text, trouble: bad } = saying(what, detail);
  if (bad) show(trouble, text);
  if (log.lastElementChild?.textContent?.endsWith(text)) return;
  const line = document.createElement('li');
  line.textContent = `${new Date().toLocaleTimeString()}  ${text}`;
  log.append(line);
  while (log.children.length > LINES) log.firstElementChild?.remove();
}

/** @param {SlotState} slot */
function words(slot) {
  const of = slot.project ? ` — ${slot.project}, unit ${slot.unit}` : '';
  if (slot.doing !== 'working') return (DOING[slot.doing] ?? slot.doing) + of;
  return (PHASES.find(([phase]) => phase === slot.phase)?.[1] ?? slot.phase) + of;
}

/** How far a unit is, over all its phases. @param {SlotState} slot */
function fraction(slot) {
  const phase = PHASES.findIndex(([name]) => name === slot.phase);
  return phase < 0 ? 0 : (phase + slot.fraction) / PHASES.length;
}

/** @param {State} state */
function showSlots(state) {
  while (slots.children.length > state.slots.length) slots.lastElementChild?.remove();
  state.slots.forEach((slot, number) => {
    let row = slots.children[number];
    if (!row) {
      row = document.createElement('li');
      row.append(document.createElement('span'), document.createElement('progress'));
      slots.append(row);
    }
    const [text, bar] = row.children;
    const label = `Core ${number + 1}: ${words(slot)}`;
    if (text.textContent !== label) text.textContent = label;
    bar.setAttribute('aria-label', `Unit on core ${number + 1}`);
    if (bar instanceof HTMLProgressElement) bar.value = fraction(slot);
  });
}

/** @param {State} state */
function showState(state) {
  showSlots(state);
  waiting = state.outbox;
  const why = state.paused.map((reason) => PAUSES[reason] ?? reason).join(' ');
  const working = state.slots.filter((slot) => slot.doing === 'working').length;
  const now =
    why ||
    (working ? `Working on ${several(working, 'unit')}.` : (NO_WORK[state.waiting] ?? state.waiting)) ||
    'Starting.';
  show(status, now);
  element('delivered', HTMLElement).textContent = count(state.delivered);
  element('steps', HTMLElement).textContent = count(state.steps);
  element('outbox', HTMLElement).textContent = count(state.outbox);
  if (state.credit) {
    element('credit', HTMLElement).textContent =
      `${several(state.credit.units, 'unit')}, ${several(state.credit.steps, 'step')}`;
  }
}

/** @param {MessageEvent<FromCourier>} event */
function hear({ data }) {
  switch (data.kind) {
    case 'state':
      return showState(data.state);
    case 'says':
      return say(data.what, data.detail);
    case 'stopped':
      courier?.terminate();
      courier = null;
      return showButtons();
  }
}

function showButtons() {
  button.textContent = courier ? 'Stop' : 'Start donating';
  pause.textContent = paused ? 'Go on' : 'Pause';
  pause.disabled = !courier;
  if (!courier) {
    slots.replaceChildren();
    show(status, 'Not donating.');
  }
}

function begin() {
  show(trouble, null);
  paused = false;
  courier = new Worker(new URL('./courier.js', import.meta.url), { type: 'module', name: 'cairn courier' });
  courier.onmessage = hear;
  courier.onerror = (event) => {
    say('wasm', event.message || 'its worker does not start');
    hear(new MessageEvent('message', { data: { kind: 'stopped' } }));
  };
  send({ kind: 'start', key, wishes: wishes() });
  watchBattery();
  showButtons();
}

async function watchBattery() {
  const battery = await navigator.getBattery?.().catch(() => null);
  if (!battery) return;
  const look = () => send({ kind: 'pause', reason: 'battery', on: !battery.charging });
  battery.addEventListener('chargingchange', look);
  look();
}

/** @param {string} text */
async function useKey(text) {
  const read = cairn.Key.fromText(text);
  key = read.toText();
  element('key', HTMLElement).textContent = read.public();
  read.free();
}

async function findKey() {
  const made = cairn.Key.generate();
  // Another tab may make one at the same time: the first one holds for both.
  const kept = await store.putFirst('settings', 'key', made.toText()).catch(() => {
    lasting = false;
    return made.toText();
  });
  made.free();
  await useKey(kept);
}

function exportKey() {
  const address = URL.createObjectURL(new Blob([key], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = 'cairn-donor.key';
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** @param {File} file */
async function importKey(file) {
  const answer = element('key-answer', HTMLElement);
  try {
    if (file.size > 1000) throw new Error('the file is too long for a key file');
    await useKey(await file.text());
    await store.put('settings', 'key', key);
    show(answer, 'This key is used from now on.');
    if (courier) send({ kind: 'stop' });
  } catch (error) {
    show(answer, `The key was not taken: ${error instanceof Error ? error.message : error}. The one before is kept.`);
  }
}

function listen() {
  button.onclick = () => (courier ? send({ kind: 'stop' }) : begin());
  pause.onclick = () => {
    paused = !paused;
    send({ kind: 'pause', reason: 'asked', on: paused });
    showButtons();
  };
  const changed = () => {
    element('cores-said', HTMLOutputElement).value = several(Number(cores.value), 'core');
    element('cap-said', HTMLOutputElement).value = `${cap.value} %`;
    send({ kind: 'wishes', wishes: wishes() });
    store.put('settings', 'wishes', { cores: cores.value, cap: cap.value }).catch(() => {});
  };
  cores.oninput = cap.oninput = changed;
  element('export', HTMLButtonElement).onclick = exportKey;
  const file = element('import', HTMLInputElement);
  file.onchange = () => {
    const [chosen] = file.files ?? [];
    if (chosen) importKey(chosen);
    file.value = '';
  };
  // Where nothing lasts, a finished proof would be lost with the tab.
  addEventListener('beforeunload', (event) => {
    if (!lasting && waiting) event.preventDefault();
  });
  document.addEventListener('visibilitychange', () => show(element('hidden-note', HTMLElement), HIDDEN));
  changed();
}

const HIDDEN =
  'This tab goes on working while you look at others, as far as your browser lets it: its work is in workers, which are slowed down less than pages. Some browsers, and most phones, stop hidden tabs after a while.';

async function open() {
  const lacks = lacking();
  if (lacks) return show(trouble, lacks);
  store = await Store.open();
  lasting = store.lasting;
  await start(await compile());
  await findKey();
  const most = navigator.hardwareConcurrency || 1;
  cores.max = String(most);
  const before = await store.get('settings', 'wishes').catch(() => null);
  cores.value = String(Math.min(most, Number(before?.cores) || Math.max(1, Math.floor(most / 2))));
  cap.value = String(Number(before?.cap) || 100);
  listen();
  show(element('storage', HTMLElement), lasting ? null : DENIED);
  show(element('apart', HTMLElement), together ? null : APART);
  element('panel', HTMLElement).hidden = false;
  showButtons();
}

const DENIED =
  'The browser keeps nothing for this page, as in a private window or where storage is switched off: the key and finished proofs last only as long as this tab. Export the key if you want to keep what it earns.';
const APART = 'This address is not a secure one (https), so tabs cannot see each other: donate in one tab only.';

open().catch((error) => show(trouble, saying('wasm', error instanceof Error ? error.message : String(error)).text));
