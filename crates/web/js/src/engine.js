// @ts-check
/** The WebAssembly module: compiled once, given to each worker, instantiated in each. */

import init, * as cairn from './cairn.js';

export { cairn };

/**
 * A module of one function, `f64x2.relaxed_madd` of three vectors. Browsers that do not know the instruction refuse any
 * module with it, so there is one with fused products and one without.
 */
const RELAXED = new Uint8Array([
  // "\0asm", version 1; a type: nothing to v128; a function of it.
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, 0x03, 0x02, 0x01, 0x00],
  // Its code: i32.const 0 and i8x16.splat, three times; f64x2.relaxed_madd; end.
  ...[0x0a, 0x13, 0x01, 0x11, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f],
  ...[0xfd, 0x87, 0x02, 0x0b],
]);

const name = globalThis.WebAssembly?.validate(RELAXED) ? 'cairn_relaxed_bg.wasm' : 'cairn_bg.wasm';
const file = new URL(`./${name}`, import.meta.url);

/**
 * Compiles the module as it arrives.
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compile() {
  const answer = await fetch(file, { credentials: 'omit' });
  if (!answer.ok) throw new Error(`the program for this page did not come (${answer.status})`);
  return WebAssembly.compileStreaming(answer);
}

/**
 * Makes this thread's instance. Other threads have their own.
 * @param {WebAssembly.Module} module
 */
export async function start(module) {
  // Those that only ask and check are never paused, and nobody watches them.
  globalThis.cairn ??= {
    checkpoint: () => false,
    seconds: () => performance.now() / 1000,
    progress: () => {},
    panicked: (text) => console.error(text),
  };
  await init({ module_or_path: module });
}
