// @ts-check
/**
 * How the courier holds a prover back while it computes: two numbers in shared memory, where the browser lets a page
 * have some. Without, units are only paused between one and the next.
 */

/** Places of the numbers. */
export const PAUSED = 0;
/** Thousandths of the core that may be used. */
export const CAP = 1;

/** @returns {Int32Array | null} */
export function makeControl() {
  if (!globalThis.crossOriginIsolated || typeof SharedArrayBuffer === 'undefined') return null;
  const control = new Int32Array(new SharedArrayBuffer(8));
  control[CAP] = 1000;
  return control;
}

/**
 * @param {Int32Array | null} control
 * @param {number} place
 * @param {number} value
 */
export function set(control, place, value) {
  if (!control) return;
  Atomics.store(control, place, value);
  Atomics.notify(control, place);
}
