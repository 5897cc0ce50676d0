// @ts-check
/** Waiting, also for what may never come. */

/** The longest wait between two tries, in seconds. */
const LONGEST = 1800;

/** @param {number} seconds */
export const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * Waits that grow from a second to half an hour, with chance in them, so that many that were refused do not come back
 * together.
 */
export class Backoff {
  constructor() {
    this.last = 0.5;
  }

  /** @param {number | null} [asked] What the other side asked for, in seconds. */
  next(asked) {
    this.last = Math.min(LONGEST, this.last * 2);
    return Math.max(asked ?? 0, this.last * (1 + Math.random()));
  }
}

/** Something that is waited for. */
export class Bell {
  constructor() {
    /** @type {Set<() => void>} */
    this.waiting = new Set();
  }

  ring() {
    const waiting = [...this.waiting];
    this.waiting.clear();
    waiting.forEach((wake) => wake());
  }

  /**
   * Until it rings, or so many seconds have passed.
   * @param {number} [seconds]
   * @returns {Promise<void>}
   */
  rings(seconds) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = seconds === undefined ? undefined : setTimeout(wake, seconds * 1000);
      this.waiting.add(wake);
    });
  }
}
