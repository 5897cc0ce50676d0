// @ts-check
/** The page "Check this result". */

import { element, lacking, show } from './browser.js';
import { count, several } from './words.js';

/** Values of a run that are shown. */
const VALUES = 50;
/** Runs that are shown. */
const RUNS = 200;

const verdict = element('verdict', HTMLElement);
const again = element('again', HTMLButtonElement);
const sha256 = element('sha256', HTMLElement).textContent?.trim() ?? '';

/**
 * @param {HTMLElement} at
 * @param {string} term
 * @param {string} text
 */
function describe(at, term, text) {
  const [name, value] = [document.createElement('dt'), document.createElement('dd')];
  name.textContent = term;
  value.textContent = text;
  at.append(name, value);
}

/** Field elements as people write numbers. @param {string[]} felts */
function numbers(felts) {
  const shown = felts.slice(0, VALUES).map((felt) => BigInt(felt).toString());
  if (felts.length > VALUES) shown.push(`… (${several(felts.length, 'value')})`);
  return shown.join(', ') || 'none';
}

/** @param {any} data */
function showTrue({ check, shown, seconds }) {
  verdict.className = 'good';
  show(
    verdict,
    `The proof holds. Your browser verified it in ${seconds.toFixed(1)} seconds, without believing anybody.`,
  );
  const facts = element('facts', HTMLElement);
  facts.replaceChildren();
  describe(facts, 'Project', check.project);
  describe(facts, 'Program (SHA-256)', check.spec.program);
  describe(facts, 'Signed by', check.spec.signer);
  describe(facts, 'Proved by', shown.prover);
  describe(facts, 'Size of the proof', `${count(shown.bytes)} bytes`);
  const rows = element('runs', HTMLTableSectionElement);
  rows.replaceChildren();
  for (const run of shown.runs.slice(0, RUNS)) {
    const row = rows.insertRow();
    for (const text of [run.unit, numbers(run.arguments), numbers(run.output), count(run.steps)]) {
      row.insertCell().textContent = text;
    }
  }
  show(
    element('more', HTMLElement),
    shown.runs.length > RUNS ? `${several(shown.runs.length, 'run')} in all; these are the first.` : null,
  );
  element('shown', HTMLElement).hidden = false;
}

/** @param {MessageEvent<any>} event */
function hear({ data }) {
  if (data.kind === 'step') return show(verdict, data.text);
  again.disabled = false;
  verdict.className = 'bad';
  switch (data.kind) {
    case 'true':
      return showTrue(data);
    case 'false':
      return show(verdict, `Refused: this shows nothing. ${data.detail}.`);
    case 'gone':
      return show(
        verdict,
        `The proof file is not kept any more, as the project ${data.project} wishes. Its uploader can have the unit proven again.`,
      );
    default:
      verdict.className = '';
      return show(verdict, `The check could not be made: ${data.detail}.`);
  }
}

function verify() {
  again.disabled = true;
  verdict.className = '';
  element('shown', HTMLElement).hidden = true;
  const worker = new Worker(new URL('./checker.js', import.meta.url), { type: 'module', name: 'cairn checker' });
  worker.onmessage = (event) => {
    hear(event);
    if (event.data.kind !== 'step') worker.terminate();
  };
  worker.onerror = (event) => hear(new MessageEvent('message', { data: { kind: 'broken', detail: event.message } }));
  worker.postMessage({ sha256 });
}

const lacks = lacking();
if (lacks) {
  show(verdict, lacks);
} else {
  again.hidden = false;
  again.onclick = verify;
  verify();
}
