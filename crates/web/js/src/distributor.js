// @ts-check
/**
 * Asking the distributor. Nothing that it says is believed: sizes and times are bounded here, texts are read in
 * WebAssembly.
 */

import { cairn } from './engine.js';

/** The distributor's own address: two folders above this file. It may have a path, which is not signed. */
const BASE = new URL('../../', import.meta.url);

/** Bytes of an answer. */
const SMALL = 64 << 10;
const LARGE = 8 << 20;
/** A program that a tab takes. */
const MOST_PROGRAM = 64 << 20;
const MOST_PROOF = 64 << 20;

/** Milliseconds for an answer, with its body, and for a body that is sent or fetched. */
const PATIENCE = 60_000;
const LONG = 600_000;

/** The distributor refused. */
export class Refused extends Error {
  /**
   * @param {{cause: string, detail: string, final: boolean, retry_after: number | null, server_time: number | null}}
   * problem
   */
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** It could not be asked, or something in between answered. */
export class Unreachable extends Error {}

/** More came than a tab takes. */
export class TooLarge extends Error {}

/**
 * Reads a body of at most so many bytes.
 * @param {Response} answer
 * @param {number} most
 * @returns {Promise<Uint8Array>}
 */
async function read(answer, most) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let length = 0;
  const reader = answer.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new TooLarge(`an answer of more than ${most} bytes came, which is more than a browser takes`);
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(length);
  parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
  return bytes;
}

/** @param {Uint8Array} bytes */
const text = (bytes) => new TextDecoder().decode(bytes);

/**
 * Sends a request, and returns an answer that is no refusal.
 * @param {string} target
 * @param {RequestInit & {most: number, patience?: number}} options
 */
async function send(target, { most, patience = PATIENCE, ...options }) {
  const headers = new Headers(options.headers);
  headers.set('cairn-protocol', String(cairn.protocolVersion()));
  let answer, bytes;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), patience);
  try {
    answer = await fetch(new URL(target.slice(1), BASE), {
      ...options,
      headers,
      credentials: 'omit',
      redirect: 'error',
      signal: stop.signal,
    });
    bytes = await read(answer, answer.ok ? most : SMALL);
  } catch (error) {
    if (error instanceof TooLarge) throw error;
    throw new Unreachable(
      stop.signal.aborted ? 'the distributor did not answer in time' : 'the distributor cannot be reached',
    );
  } finally {
    clearTimeout(timer);
  }
  if (answer.ok) return { status: answer.status, headers: answer.headers, bytes };
  let problem;
  try {
    // Whatever lacks the header is an answer of somebody in between.
    if (!answer.headers.has('cairn-protocol')) throw new Error('no distributor');
    problem = JSON.parse(cairn.readProblem(text(bytes)));
  } catch {
    throw new Unreachable(`something between this browser and the distributor answers in its place (${answer.status})`);
  }
  throw new Refused(problem);
}

/**
 * A file that everybody may have.
 * @param {string} target
 * @param {number} most
 */
async function file(target, most) {
  return (await send(target, { most, patience: LONG })).bytes;
}

/**
 * A program file. Its digest is compared where it is opened.
 * @param {string} sha256
 */
export const program = (sha256) => file(`/v1/programs/${sha256}`, MOST_PROGRAM);

/**
 * A proof that is to be checked.
 * @param {string} sha256
 */
export const checkedProof = (sha256) => file(`/v1/checks/${sha256}/proof`, MOST_PROOF);

/**
 * What a proof is said to be of.
 * @param {string} sha256
 */
export async function account(sha256) {
  return text((await send(`/v1/checks/${sha256}`, { most: LARGE, cache: 'no-store' })).bytes);
}

/** A donor's requests. */
export class Donor {
  /**
   * @param {import('./cairn.js').Key} key
   * @param {(seconds: number) => void} skewed Told by how much this machine's clock is wrong.
   */
  constructor(key, skewed) {
    this.key = key;
    this.skewed = skewed;
    /** The distributor's clock less ours, in seconds. */
    this.offset = 0;
  }

  /** @param {number} theirs */
  setClock(theirs) {
    this.offset = theirs - Math.floor(Date.now() / 1000);
  }

  /**
   * Signs a request and sends it. If our clock is off, the refusal says by how much, and it is signed anew.
   * @param {string} method
   * @param {string} target
   * @param {{body?: Uint8Array, headers?: Record<string, string>, most?: number, patience?: number}} [options]
   */
  async signed(method, target, { body = new Uint8Array(), headers = {}, most = SMALL, patience } = {}) {
    const content = cairn.sha256(body);
    for (let corrected = false; ; corrected = true) {
      const time = Math.floor(Date.now() / 1000) + this.offset;
      const signature = JSON.parse(this.key.sign(method, target, content, time));
      try {
        return await send(target, {
          method,
          headers: { ...headers, ...signature },
          body: body.length ? /** @type {any} */ (body) : undefined,
          cache: 'no-store',
          most,
          patience,
        });
      } catch (error) {
        if (corrected || !(error instanceof Refused) || error.problem.cause !== 'clock_skew') throw error;
        if (error.problem.server_time === null) throw error;
        this.setClock(error.problem.server_time);
        this.skewed(this.offset);
      }
    }
  }

  /** @param {unknown} value */
  static json(value) {
    const body = new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
    return { body, headers: { 'content-type': 'application/json' } };
  }

  /**
   * Asks for a unit: the lease as text, or why there is no work.
   * @param {string} request
   * @returns {Promise<{lease: string} | {reason: string, seconds: number}>}
   */
  async lease(request) {
    const answer = await this.signed('POST', '/v1/leases', { ...Donor.json(request), most: LARGE });
    if (answer.status === 204) {
      const header = (/** @type {string} */ name) => answer.headers.get(name) ?? '';
      return JSON.parse(cairn.readNoWork(header('cairn-reason'), header('retry-after')));
    }
    const lease = cairn.readLease(request, text(answer.bytes));
    this.setClock(JSON.parse(lease).now);
    return { lease };
  }

  /**
   * @param {string} token
   * @returns {Promise<{now: number, expires_at: number, settled?: string[]}>}
   */
  async renew(token) {
    const answer = await this.signed('POST', `/v1/leases/${token}/renew`);
    const renewed = JSON.parse(cairn.readRenewal(text(answer.bytes)));
    this.setClock(renewed.now);
    return renewed;
  }

  /**
   * @param {string} token
   * @param {unknown} [back]
   */
  async release(token, back) {
    await this.signed('DELETE', `/v1/leases/${token}`, back ? Donor.json(back) : {});
  }

  /**
   * @param {Entry} entry
   * @returns {Promise<{units: {status: string, credited_steps: number}[]}>}
   */
  async submit(entry) {
    const answer = await this.signed('PUT', cairn.submissionTarget(entry.sha256), {
      body: new Uint8Array(entry.body),
      most: LARGE,
      patience: LONG,
      headers: { 'cairn-lease': entry.token, 'content-type': 'application/octet-stream' },
    });
    return JSON.parse(cairn.readReceipt(entry.sha256, entry.unit, text(answer.bytes)));
  }

  /** @returns {Promise<{proven_units: number, proven_steps: number}>} */
  async credit() {
    return JSON.parse(text((await this.signed('GET', '/v1/donors/me')).bytes));
  }
}
