// @ts-check
/**
 * Tabs of one browser share a key, a machine and finished proofs. Web Locks tell who works on what; they are let go
 * when a tab is closed, however it is closed. Browsers have them on secure addresses only.
 */

export const together = typeof navigator !== 'undefined' && navigator.locks !== undefined;

/** Where a browser keeps nothing for a page, it denies locks, too: the tab is by itself then. */
let denied = !together;

/** @param {unknown} error */
function deny(error) {
  if (!(error instanceof DOMException) || error.name !== 'SecurityError') throw error;
  denied = true;
}

/** Whether tabs know of each other. */
export const known = () => !denied;

/**
 * Takes a lock, if nobody has it. Returns what lets it go.
 * @param {string} name
 * @returns {Promise<(() => void) | null>}
 */
export async function take(name) {
  try {
    return denied ? () => {} : await asked(name);
  } catch (error) {
    deny(error);
    return () => {};
  }
}

/**
 * @param {string} name
 * @returns {Promise<(() => void) | null>}
 */
function asked(name) {
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) {
        resolve(null);
        return undefined;
      }
      return new Promise((release) => resolve(() => release(undefined)));
    });
    held.catch(reject);
  });
}

/**
 * Does something while no other tab does the same.
 * @param {string} name
 * @param {() => Promise<void>} work
 */
export async function alone(name, work) {
  if (!denied) {
    try {
      // Work that fails fails here, too, and is no denial.
      return await navigator.locks.request(name, work);
    } catch (error) {
      deny(error);
    }
  }
  return work();
}

/**
 * Takes one of the machine's cores, which all tabs share. `null` if all are in use.
 * @returns {Promise<(() => void) | null>}
 */
export async function takeCore() {
  for (let core = 0; core < (navigator.hardwareConcurrency || 1); core++) {
    const release = await take(`cairn-core-${core}`);
    if (release) return release;
  }
  return null;
}
