// @ts-check
/** What this browser can do. */

import { LACKS } from './words.js';

/** A module with one vector instruction. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

function startsModules() {
  let asked = false;
  const options = {
    /** @returns {'module'} */
    get type() {
      asked = true;
      return 'module';
    },
  };
  try {
    new Worker(new URL('./control.js', import.meta.url), options).terminate();
  } catch {
    return false;
  }
  return asked;
}

/** What is lacking for anything to work here, in words. */
export function lacking() {
  if (typeof WebAssembly !== 'object' || !WebAssembly.compileStreaming) return LACKS.wasm;
  if (!WebAssembly.validate(SIMD)) return LACKS.simd;
  if (typeof Worker === 'undefined' || !startsModules()) return LACKS.workers;
  return null;
}

/**
 * An element of the page.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * @param {HTMLElement} at
 * @param {string | null} text
 */
export function show(at, text) {
  at.hidden = !text;
  if (at.textContent !== (text ?? '')) at.textContent = text ?? '';
}
