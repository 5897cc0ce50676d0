// @ts-check
/**
 * The worker that asks, delivers and tells the page: one for each tab. It never computes for long, and browsers let
 * it go on in the background, where they slow down the timers of pages.
 */

import { cairn, compile, start } from './engine.js';
import { Donor, Refused, TooLarge, Unreachable, program } from './distributor.js';
import { Leases } from './leases.js';
import { takeCore } from './locks.js';
import { Outbox } from './outbox.js';
import { Slot } from './slot.js';
import { Store } from './store.js';
import { Backoff, Bell, sleep } from './waiting.js';

/** Seconds between two beats of the clock by which sleep is noticed, and what is none yet. */
const BEAT = 10;
const SLEPT = 60;

/**
 * Bytes that a step takes while it is proved, until more is known; a tab's own, and the most that WebAssembly can
 * have.
 */
const BYTES_A_STEP = 2000;
const BASE_MEMORY = 96 << 20;
const MOST_MEMORY = 3 * 2 ** 30;

/** Seconds of work that a unit may take. */
const MOST_SECONDS = 3600;

/** Programs that are kept. */
const PROGRAMS = 4;

/** @param {FromCourier} message */
const say = (message) => postMessage(message);

/** @param {string} what @param {unknown} [error] */
const tell = (what, error = '') =>
  say({ kind: 'says', what, detail: error instanceof Error ? error.message : String(error) });

class Courier {
  /**
   * @param {WebAssembly.Module} module
   * @param {Store} store
   * @param {import('./cairn.js').Key} key
   * @param {Wishes} wishes
   */
  constructor(module, store, key, wishes) {
    this.module = module;
    this.store = store;
    this.key = key;
    this.wishes = wishes;
    this.donor = new Donor(key, (seconds) => tell('clock', Math.abs(seconds) < 1 ? '' : seconds));
    this.leases = new Leases(store, this.donor);
    this.outbox = new Outbox(store, this.donor, {
      delivered: (steps) => this.delivered(steps),
      refused: (detail) => {
        this.refused += 1;
        tell('refused', detail);
      },
      held: (what, detail) => tell(what, detail),
      changed: () => this.changed(),
    });
    /** @type {Slot[]} */
    this.slots = [];
    /** What the slots do. @type {Set<Promise<void>>} */
    this.serving = new Set();
    /** @type {Set<string>} */
    this.pauses = new Set();
    this.bell = new Bell();
    this.backoff = new Backoff();
    this.stopped = false;
    this.waiting = '';
    this.finished = 0;
    this.steps = 0;
    this.refused = 0;
    /** Steps that a core proves in a second. */
    this.speed = 0;
    /** @type {State['credit']} */
    this.credit = null;
    /** @type {Map<string, Promise<ArrayBuffer>>} */
    this.programs = new Map();
    this.told = 0;
    /** Other tabs of this browser earn under the same key. @type {BroadcastChannel | null} */
    this.others = 'BroadcastChannel' in self ? new BroadcastChannel('cairn-credit') : null;
    if (this.others) this.others.onmessage = () => this.refresh();
  }

  async run() {
    this.speed = Number(await this.store.get('settings', 'speed').catch(() => 0)) || 0;
    this.beat();
    this.refresh();
    this.apply(this.wishes);
    await this.outbox.run();
  }

  /** @param {Wishes} wishes */
  apply(wishes) {
    this.wishes = wishes;
    while (this.slots.length < wishes.cores) {
      const slot = new Slot(this.module, () => this.changed());
      this.slots.push(slot);
      const serving = this.serve(slot);
      this.serving.add(serving);
      serving.finally(() => this.serving.delete(serving));
    }
    // Those that are too many end with their units.
    this.slots.forEach((slot, number) => (slot.leaving = number >= wishes.cores));
    this.slots.forEach((slot) => slot.cap(wishes.cap));
    this.hold();
  }

  /**
   * @param {string} reason
   * @param {boolean} on
   */
  pause(reason, on) {
    if (on) this.pauses.add(reason);
    else this.pauses.delete(reason);
    this.hold();
    if (this.pauses.size === 0) this.bell.ring();
  }

  hold() {
    this.slots.forEach((slot) => slot.pause(this.pauses.size > 0));
    this.changed();
  }

  /** @param {Slot} slot */
  async serve(slot) {
    slot.cap(this.wishes.cap);
    slot.pause(this.pauses.size > 0);
    while (!this.stopped && !slot.leaving) {
      if (this.pauses.size) {
        slot.show({ doing: 'paused' });
        await this.bell.rings();
        continue;
      }
      // All tabs of this browser share the machine's cores.
      const core = await takeCore();
      if (!core) {
        slot.show({ doing: 'core' });
        await this.bell.rings(5);
        continue;
      }
      let seconds = 0;
      try {
        seconds = await this.unit(slot);
        this.backoff = new Backoff();
      } catch (error) {
        await this.trouble(slot, error);
      } finally {
        core();
      }
      // Where a unit cannot be held back within, the cap holds from one to the next.
      if (!slot.control && this.wishes.cap < 100) {
        slot.show({ doing: 'resting' });
        await this.bell.rings((seconds * (100 - this.wishes.cap)) / this.wishes.cap);
      }
    }
    slot.end();
    this.slots = this.slots.filter((other) => other !== slot);
    this.changed();
  }

  /**
   * @param {Slot} slot
   * @param {unknown} error
   */
  async trouble(slot, error) {
    const asked = error instanceof Refused ? error.problem.retry_after : null;
    const what =
      error instanceof Refused ? error.problem.cause : error instanceof Unreachable ? 'unreachable' : 'broken';
    this.waiting = error instanceof Error ? error.message : String(error);
    tell(what, error);
    slot.show({ doing: 'waiting', phase: '', fraction: 0 });
    await this.bell.rings(this.backoff.next(asked));
    this.waiting = '';
  }

  /**
   * Does a unit, from lease to outbox. Returns the seconds that it worked.
   * @param {Slot} slot
   */
  async unit(slot) {
    slot.show({ doing: 'asking', phase: '', fraction: 0, unit: '', project: '' });
    const taken = (await this.leases.adopt()) ?? (await this.leases.ask(this.wish()));
    if (!('lease' in taken)) {
      this.waiting = taken.reason;
      slot.show({ doing: 'waiting' });
      await this.bell.rings(taken.seconds);
      this.waiting = '';
      return 0;
    }
    const { lease, release } = taken;
    const [unit] = lease.units;
    slot.show({ doing: 'fetching', project: lease.project.name, unit: unit.id });
    const stop = this.leases.keep(lease, () => slot.cancel());
    try {
      await this.trust(lease);
      const outcome = await slot.work(
        {
          lease: JSON.stringify(lease),
          program: lease.project.program + lease.project.name,
          unit: JSON.stringify(unit),
          prover: this.key.public(),
          bounds: this.bounds(lease),
        },
        () => this.program(lease.project.program),
      );
      return await this.settle(lease, outcome);
    } catch (error) {
      // What has no program cannot be done by anybody; what is too large for a tab can be, elsewhere.
      const gone = error instanceof Refused && error.problem.cause === 'unknown_blob';
      if (gone) await this.leases.giveBack(lease, { cause: 'bad_program', detail: error.message });
      if (error instanceof TooLarge) await this.leases.giveBack(lease, { cause: 'stopped', detail: error.message });
      throw error;
    } finally {
      stop();
      release();
    }
  }

  /**
   * @param {Lease} lease
   * @param {import('./slot.js').Outcome | {kind: 'cancelled'}} outcome
   */
  async settle(lease, outcome) {
    const [unit] = lease.units;
    if (outcome.kind === 'done') {
      const { sha256, body, steps, seconds } = outcome;
      const entry = {
        sha256,
        unit: unit.id,
        token: lease.token,
        project: lease.project.name,
        steps,
        body,
        since: Date.now(),
      };
      await this.outbox.add(entry);
      // From here on its place is the outbox.
      await this.store.delete('leases', lease.token);
      // Slow machines grow faster with units, not slower.
      const seen = steps / Math.max(seconds, 0.001);
      this.speed = Math.round(this.speed ? (this.speed + seen) / 2 : seen);
      await this.store.put('settings', 'speed', this.speed).catch(() => {});
      return seconds;
    }
    if (outcome.kind === 'cancelled' || outcome.cause === 'cancelled') {
      // When the tab stops, the lease waits for the next one.
      if (!this.stopped) await this.leases.giveBack(lease, null);
      return 0;
    }
    const { cause, detail } = outcome;
    await this.leases.giveBack(lease, { cause, detail });
    // A limit of this tab: the same unit may come again, so not at once.
    if (cause === 'stopped') throw new Error(detail);
    tell('failed', cairn.printable(detail, 500));
    return 0;
  }

  wish() {
    const max_memory = this.memory();
    const fits = Math.max(1, Math.floor((max_memory - BASE_MEMORY) / BYTES_A_STEP));
    const steps_per_second = Math.floor((this.speed * this.wishes.cap) / 100);
    const max_steps = this.speed ? Math.min(fits, Math.max(1, steps_per_second * MOST_SECONDS)) : fits;
    return { project: this.wishes.project, max_steps, max_memory, steps_per_second };
  }

  /** Bytes for one core. */
  memory() {
    return Math.min(MOST_MEMORY, Math.floor(this.wishes.memory / Math.max(1, this.wishes.cores)));
  }

  /**
   * @param {Lease} lease
   * @returns {Bounds}
   */
  bounds(lease) {
    return {
      max_steps: 2 ** 40,
      max_memory: this.memory(),
      max_seconds: Math.min(MOST_SECONDS, lease.project.limits.time_limit),
    };
  }

  /**
   * A project's programs are signed by one and the same key.
   * @param {Lease} lease
   */
  async trust(lease) {
    const { name, signer } = lease.project;
    const known = await this.store.putFirst('signers', name, signer).catch(() => signer);
    if (known === signer) return;
    await this.leases.giveBack(lease, {
      cause: 'bad_program',
      detail: `the program of ${name} is signed by ${signer}, but earlier ones were signed by ${known}`,
    });
    throw new Error(`the program of ${name} is signed by another key than before`);
  }

  /** @param {string} sha256 */
  program(sha256) {
    let fetched = this.programs.get(sha256);
    if (!fetched) {
      fetched = program(sha256).then((bytes) => /** @type {ArrayBuffer} */ (bytes.buffer));
      fetched.catch(() => this.programs.delete(sha256));
      const [oldest] = this.programs.keys();
      if (this.programs.size >= PROGRAMS && oldest) this.programs.delete(oldest);
      this.programs.set(sha256, fetched);
    }
    return fetched;
  }

  /** @param {number} steps */
  delivered(steps) {
    this.finished += 1;
    this.steps += steps;
    this.changed();
    this.refresh();
    this.others?.postMessage(null);
  }

  async refresh() {
    try {
      const { proven_units: units, proven_steps: steps } = await this.donor.credit();
      if (Number.isSafeInteger(units) && Number.isSafeInteger(steps)) this.credit = { units, steps };
      this.changed();
    } catch {
      // It is shown the next time.
    }
  }

  /** Notices that the machine or the tab was asleep. */
  async beat() {
    let last = Date.now();
    while (!this.stopped) {
      await sleep(BEAT);
      const gap = (Date.now() - last) / 1000 - BEAT;
      last = Date.now();
      if (gap > SLEPT) {
        tell('asleep', Math.round(gap));
        this.bell.ring();
        this.outbox.bell.ring();
      }
    }
  }

  /** Tells the page, at most some times a second. */
  changed() {
    if (this.told) return;
    this.told = self.setTimeout(() => {
      this.told = 0;
      say({ kind: 'state', state: this.state() });
    }, 150);
  }

  /** @returns {State} */
  state() {
    return {
      slots: this.slots.map((slot) => slot.state),
      waiting: this.waiting,
      paused: [...this.pauses],
      outbox: this.outbox.length,
      delivered: this.finished,
      steps: this.steps,
      refused: this.refused,
      credit: this.credit,
    };
  }

  async stop() {
    this.stopped = this.outbox.stopped = true;
    this.others?.close();
    this.slots.forEach((slot) => slot.cancel());
    this.outbox.bell.ring();
    this.bell.ring();
    // A proof may be on its way into the outbox.
    await Promise.race([Promise.allSettled(this.serving), sleep(5)]);
    say({ kind: 'stopped' });
  }
}

/** @type {Courier | null} */
let courier = null;
/** What was said before there was a courier: compiling takes a moment. @type {ToCourier[]} */
const early = [];

/** @param {Extract<ToCourier, {kind: 'start'}>} wanted */
async function begin({ key, wishes }) {
  try {
    const module = await compile();
    await start(module);
    courier = new Courier(module, await Store.open(), cairn.Key.fromText(key), wishes);
    early.forEach(obey);
    await courier.run();
  } catch (error) {
    tell('wasm', error);
    say({ kind: 'stopped' });
  }
}

/** @param {ToCourier} wish */
function obey(wish) {
  switch (wish.kind) {
    case 'start':
      return begin(wish);
    case 'wishes':
      return courier?.apply(wish.wishes);
    case 'pause':
      return courier?.pause(wish.reason, wish.on);
    case 'stop':
      return courier?.stop();
  }
}

onmessage = (/** @type {MessageEvent<ToCourier>} */ { data }) => {
  if (!courier && data.kind !== 'start') early.push(data);
  else obey(data);
};
