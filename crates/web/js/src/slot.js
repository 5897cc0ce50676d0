// @ts-check
/** One core: its worker, and what it does. */

import { CAP, PAUSED, makeControl, set } from './control.js';

/** What became of a unit. A trap ends the worker, and a new one takes its place. */
/** @typedef {Extract<FromProver, {kind: 'done' | 'failed'}>} Outcome */

export class Slot {
  /**
   * @param {WebAssembly.Module} module
   * @param {() => void} changed
   */
  constructor(module, changed) {
    this.module = module;
    this.changed = changed;
    /** @type {SlotState} */
    this.state = { doing: 'starting', project: '', unit: '', phase: '', fraction: 0 };
    /** Whether the worker can be held back while it computes. */
    this.control = makeControl();
    /** @type {Worker | null} */
    this.worker = null;
    /** What the worker has open. */
    this.program = '';
    /** @type {((outcome: Outcome | {kind: 'cancelled'}) => void) | null} */
    this.settle = null;
    this.leaving = false;
  }

  /** @param {Partial<SlotState>} state */
  show(state) {
    Object.assign(this.state, state);
    this.changed();
  }

  /** @param {boolean} on */
  pause(on) {
    set(this.control, PAUSED, on ? 1 : 0);
  }

  /** @param {number} percent */
  cap(percent) {
    set(this.control, CAP, Math.round(percent * 10));
  }

  /** Gives up what is worked on. */
  cancel() {
    this.settle?.({ kind: 'cancelled' });
  }

  end() {
    this.worker?.terminate();
    this.worker = null;
    this.program = '';
  }

  /** @returns {Promise<Worker>} */
  begin() {
    this.end();
    return new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./prover.js', import.meta.url), { type: 'module', name: 'cairn prover' });
      worker.onerror = (event) => reject(new Error(event.message || 'a worker does not start'));
      worker.onmessage = (/** @type {MessageEvent<FromProver>} */ { data }) => {
        if (data.kind !== 'ready') return reject(new Error(data.kind === 'trapped' ? data.detail : data.kind));
        this.worker = worker;
        resolve(worker);
      };
      worker.postMessage({ kind: 'begin', module: this.module, control: this.control });
    });
  }

  /**
   * Does a unit.
   * @param {Omit<Extract<ToProver, {kind: 'work'}>, 'kind' | 'file'>} job
   * @param {() => Promise<ArrayBuffer>} file The program, if the worker has another one.
   * @returns {Promise<Outcome | {kind: 'cancelled'}>}
   */
  async work(job, file) {
    const worker = this.worker ?? (await this.begin());
    const needed = this.program === job.program ? null : await file();
    const outcome = await new Promise((/** @type {(outcome: Outcome | {kind: 'cancelled'}) => void} */ resolve) => {
      this.settle = resolve;
      worker.onerror = (event) => resolve({ kind: 'failed', cause: 'crash', detail: event.message });
      worker.onmessage = (/** @type {MessageEvent<FromProver>} */ { data }) => this.heard(data, resolve);
      worker.postMessage({ kind: 'work', ...job, file: needed });
    });
    this.settle = null;
    this.program = outcome.kind === 'done' ? job.program : '';
    // An instance that failed may be in any state, and its memory never shrinks.
    if (outcome.kind !== 'done') this.end();
    return outcome;
  }

  /**
   * @param {FromProver} data
   * @param {(outcome: Outcome) => void} resolve
   */
  heard(data, resolve) {
    switch (data.kind) {
      case 'progress':
        return this.show({ doing: 'working', phase: data.phase, fraction: data.fraction });
      case 'trapped': {
        // The allocator gives up without a word, all else says why.
        const cause = data.panic ? 'crash' : 'out_of_memory';
        return resolve({ kind: 'failed', cause, detail: (data.panic || data.detail).slice(0, 1000) });
      }
      case 'done':
      case 'failed':
        return resolve(data);
    }
  }
}
