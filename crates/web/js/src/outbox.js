// @ts-check
/** Finished proofs: kept until the distributor has acknowledged them, whichever tab made them. */

import { Refused } from './distributor.js';
import { alone } from './locks.js';
import { isFull } from './store.js';
import { Backoff, Bell } from './waiting.js';

export class Outbox {
  /**
   * @param {import('./store.js').Store} store
   * @param {import('./distributor.js').Donor} donor
   * @param {{delivered(steps: number): void, refused(detail: string): void, held(what: string, detail: string): void, changed(): void}} hears
   */
  constructor(store, donor, hears) {
    this.store = store;
    this.donor = donor;
    this.hears = hears;
    this.bell = new Bell();
    this.stopped = false;
    /** What the browser has no room for: it lasts as long as this tab. @type {Map<string, Entry>} */
    this.here = new Map();
    this.length = 0;
  }

  /** @param {Entry} entry */
  async add(entry) {
    try {
      await this.store.put('outbox', entry.sha256, entry);
    } catch (error) {
      this.here.set(entry.sha256, entry);
      this.hears.held(isFull(error) ? 'full' : 'denied', String(error));
    }
    this.bell.ring();
  }

  /** @returns {Promise<Entry[]>} */
  async entries() {
    const kept = await this.store.all('outbox').catch(() => []);
    return [...kept, ...this.here.values()];
  }

  /** Delivers for as long as the tab works. */
  async run() {
    const backoff = new Backoff();
    let wait = 0;
    while (!this.stopped) {
      if (wait) await this.bell.rings(wait);
      wait = 30;
      // One tab at a time: the others' proofs are among these.
      await alone('cairn-outbox', async () => {
        for (const entry of await this.entries()) {
          const again = await this.deliver(entry, backoff);
          if (again) wait = Math.min(wait, again);
        }
      });
      this.length = (await this.entries()).length;
      this.hears.changed();
    }
  }

  /**
   * Sends one. Returns after how many seconds to try again, if it stays.
   * @param {Entry} entry
   * @param {Backoff} backoff
   */
  async deliver(entry, backoff) {
    try {
      const receipt = await this.donor.submit(entry);
      await this.forget(entry);
      const accepted = receipt.units[0]?.status === 'accepted';
      this.hears.delivered(accepted ? receipt.units[0].credited_steps : 0);
      return 0;
    } catch (error) {
      if (error instanceof Refused && error.problem.final) {
        await this.forget(entry);
        this.hears.refused(error.problem.detail);
        return 0;
      }
      this.hears.held('waits', error instanceof Error ? error.message : String(error));
      return backoff.next(error instanceof Refused ? error.problem.retry_after : null);
    }
  }

  /** @param {Entry} entry */
  async forget(entry) {
    this.here.delete(entry.sha256);
    await this.store.delete('outbox', entry.sha256);
    // The lease is settled with it.
    await this.store.delete('leases', entry.token);
  }
}
