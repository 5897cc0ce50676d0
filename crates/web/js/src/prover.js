// @ts-check
/**
 * A worker that executes and proves. It computes for seconds or minutes at a time, and hears nothing meanwhile but
 * `control`.
 */

import { CAP, PAUSED } from './control.js';
import { cairn, start } from './engine.js';

/** Milliseconds of work between two rests, and between two words about it. */
const BURST = 100;
const BETWEEN_WORDS = 200;

/** @type {Int32Array | null} */
let control = null;
/** Milliseconds rested so far, and when the present burst began. */
let rested = 0;
let burst = 0;
let said = 0;
let panic = '';

/**
 * @param {FromProver} message
 * @param {Transferable[]} [transfer]
 */
const say = (message, transfer = []) => postMessage(message, { transfer });

/**
 * Sleeps until a number changes.
 * @param {Int32Array} numbers
 * @param {number} place
 * @param {number} milliseconds
 */
function rest(numbers, place, milliseconds) {
  const begin = performance.now();
  Atomics.wait(numbers, place, Atomics.load(numbers, place), milliseconds);
  rested += performance.now() - begin;
}

/** Rests, if it is time. Who cancels a unit ends this worker. */
function checkpoint() {
  if (!control) return false;
  while (Atomics.load(control, PAUSED)) {
    rest(control, PAUSED, 1000);
    burst = performance.now();
  }
  const worked = performance.now() - burst;
  if (worked >= BURST) {
    const cap = Math.max(1, Atomics.load(control, CAP));
    if (cap < 1000) rest(control, PAUSED, (worked * (1000 - cap)) / cap);
    burst = performance.now();
  }
  return false;
}

/** @type {import('./engine.js').cairn.Project | null} */
let project = null;
/** What is open: the project's part of a lease. */
let open = '';

/** @type {Cairn} */
const calls = {
  checkpoint,
  seconds: () => (performance.now() - rested) / 1000,
  progress(phase, fraction) {
    const now = performance.now();
    if (fraction < 1 && now - said < BETWEEN_WORDS) return;
    said = now;
    say({ kind: 'progress', phase, fraction });
  },
  panicked(text) {
    panic = text;
  },
};
globalThis.cairn = calls;

/** @param {Extract<ToProver, {kind: 'work'}>} job */
function work(job) {
  burst = performance.now();
  const begin = burst - rested;
  try {
    if (open !== job.program || !project) {
      project?.free();
      project = null;
      if (!job.file) throw new Error('the program is not here');
      project = cairn.Project.open(job.lease, new Uint8Array(job.file));
      open = job.program;
    }
    const done = project.work(job.unit, job.prover, JSON.stringify(job.bounds));
    const [body, sha256, steps] = [done.body(), done.sha256(), done.steps()];
    done.free();
    const seconds = (performance.now() - rested - begin) / 1000;
    const buffer = /** @type {ArrayBuffer} */ (body.buffer);
    say({ kind: 'done', body: buffer, sha256, steps, seconds }, [buffer]);
  } catch (error) {
    // What failed in order is thrown as a text. Anything else is the end of this instance.
    if (typeof error === 'string') {
      say({ kind: 'failed', ...JSON.parse(error) });
    } else {
      say({ kind: 'trapped', panic, detail: String(error) });
    }
  }
}

onmessage = async (/** @type {MessageEvent<ToProver>} */ { data }) => {
  if (data.kind === 'work') return work(data);
  control = data.control;
  try {
    await start(data.module);
    say({ kind: 'ready' });
  } catch (error) {
    say({ kind: 'trapped', panic: '', detail: String(error) });
  }
};
