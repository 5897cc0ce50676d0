// @ts-check
/** Leases: asked for, kept while a unit is worked on, taken up again when a tab that had one is gone. */

import { cairn } from './engine.js';
import { Refused, Unreachable } from './distributor.js';
import { known, take } from './locks.js';

/** Seconds between two renewals, at least and at most. */
const LEAST = 5;
const MOST = 3600;

export class Leases {
  /**
   * @param {import('./store.js').Store} store
   * @param {import('./distributor.js').Donor} donor
   */
  constructor(store, donor) {
    this.store = store;
    this.donor = donor;
    /** The request whose answer was lost, if one was: the same again gets the same lease. */
    this.request = '';
  }

  /**
   * A lease that a closed tab left. Its unit is begun anew.
   * @returns {Promise<{held: Held, lease: Lease, release: () => void} | null>}
   */
  async adopt() {
    // Without locks nobody knows whether the other tab is gone.
    if (!known()) return null;
    for (const held of /** @type {Held[]} */ (await this.store.all('leases').catch(() => []))) {
      const release = await take(`cairn-lease-${held.token}`);
      if (!release) continue;
      const found = await this.takeUp(held).catch(() => null);
      if (found) return { ...found, release };
      release();
    }
    return null;
  }

  /** @param {Held} held */
  async takeUp(held) {
    // It may have been finished or given back between the look and the lock, and its proof may be on its way.
    const still = await this.store.get('leases', held.token);
    const sent = /** @type {Entry[]} */ (await this.store.all('outbox')).some((entry) => entry.token === held.token);
    if (sent) await this.store.delete('leases', held.token);
    if (!still || sent) return null;
    const lease = /** @type {Lease} */ (JSON.parse(cairn.readLease(held.request, held.lease)));
    try {
      const renewed = await this.donor.renew(held.token);
      if (renewed.settled?.includes(lease.units[0].id)) throw new Error('settled');
      return { held, lease: { ...lease, ...renewed } };
    } catch (error) {
      // Out of reach, it may still be ours later.
      if (!(error instanceof Unreachable)) await this.store.delete('leases', held.token);
      return null;
    }
  }

  /**
   * Asks for a unit.
   * @param {{project: string | null, max_steps: number, max_memory: number, steps_per_second: number}} wish
   * @returns {Promise<{held: Held, lease: Lease, release: () => void} | {reason: string, seconds: number}>}
   */
  async ask(wish) {
    this.request ||= cairn.leaseRequest(JSON.stringify(wish));
    const request = this.request;
    let answer;
    try {
      answer = await this.donor.lease(request);
    } catch (error) {
      // What was refused, or makes no sense, is not asked for again under the same key.
      if (!(error instanceof Unreachable)) this.request = '';
      throw error;
    }
    this.request = '';
    if (!('lease' in answer)) return answer;
    const lease = /** @type {Lease} */ (JSON.parse(answer.lease));
    const held = { token: lease.token, request, lease: answer.lease, since: Date.now() };
    const release = (await take(`cairn-lease-${held.token}`)) ?? (() => {});
    // A lease that cannot be kept is lost with the tab, and runs out.
    await this.store.put('leases', held.token, held).catch(() => {});
    return { held, lease, release };
  }

  /**
   * Renews a lease at half of its time. Returns what ends that.
   * @param {Lease} lease
   * @param {() => void} settled Called when nobody wants its unit any more.
   */
  keep(lease, settled) {
    let timer = 0;
    const next = (/** @type {{now: number, expires_at: number}} */ { now, expires_at }) =>
      arm(Math.min(MOST, Math.max(LEAST, (expires_at - now) / 2)));
    const arm = (/** @type {number} */ seconds) => {
      timer = self.setTimeout(async () => {
        try {
          const renewed = await this.donor.renew(lease.token);
          if (renewed.settled?.includes(lease.units[0].id)) settled();
          else next(renewed);
        } catch (error) {
          // A proof is taken all the same while the unit is unproved: the work goes on.
          if (!(error instanceof Refused)) arm(30);
        }
      }, seconds * 1000);
    };
    next(lease);
    return () => clearTimeout(timer);
  }

  /**
   * Gives a lease back, with the failure if there was one.
   * @param {Lease} lease
   * @param {{cause: string, detail: string} | null} failure
   */
  async giveBack(lease, failure) {
    await this.store.delete('leases', lease.token);
    const back = failure ? { units: [lease.units[0].id], failure } : undefined;
    // If it does not arrive, the lease runs out.
    await this.donor.release(lease.token, back).catch(() => {});
  }
}
