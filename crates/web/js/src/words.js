// @ts-check
/** What is said to visitors. */

/** Why nothing is worked on: reasons of the distributor. @type {Record<string, string>} */
export const NO_WORK = {
  empty: 'All units of this grid are done. This tab asks again from time to time.',
  all_leased: 'All open units are with other donors now. This tab asks again soon.',
  too_large: 'The open units are too large for the memory that this tab may use. Allow more, or use the donor program.',
  version: 'The distributor wants proofs of another version. Reload this page.',
  paused: 'The operator has paused the grid.',
  lease_limit: 'This key holds as many units as it may. Each proof raises the limit.',
};

/** What a worker does. @type {Record<string, string>} */
export const DOING = {
  starting: 'starting',
  core: 'waits for a core: other tabs use them',
  asking: 'asks for a unit',
  fetching: 'fetches the program',
  working: 'works',
  resting: 'rests, as the share of the core says',
  waiting: 'waits for work',
  paused: 'paused',
};

/** The phases of a unit, in a visitor's words, in order. @type {[string, string][]} */
export const PHASES = [
  ['execute', 'runs the program'],
  ['witness', 'writes down each step'],
  ['main', 'commits to the steps'],
  ['lookup', 'ties the tables together'],
  ['quotient', 'checks the rules'],
  ['openings', 'opens the proof at a random point'],
  ['fri', 'finishes the proof'],
  ['verify', 'verifies its own proof'],
];

/** Why a tab pauses. @type {Record<string, string>} */
export const PAUSES = {
  asked: 'You paused it.',
  battery: 'This machine runs on its battery. Work goes on when it is plugged in.',
};

/** What the browser lacks. @type {Record<string, string>} */
export const LACKS = {
  wasm: 'This browser runs no WebAssembly, or it is switched off. A current Firefox, Chrome, Edge or Safari does.',
  simd: 'This browser is too old: it knows WebAssembly, but not its vector instructions. Update it, or use the donor program.',
  workers: 'This browser is too old: it does not start modules as workers. Update it, or use the donor program.',
};

/** @param {number} seconds */
function span(seconds) {
  const [count, unit] =
    seconds < 120 ? [seconds, 'second'] : seconds < 7200 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour'];
  return `${Math.round(count)} ${unit}${Math.round(count) === 1 ? '' : 's'}`;
}

/**
 * What to say of something that happened, and whether it is trouble.
 * @param {string} what
 * @param {string} detail
 * @returns {{text: string, trouble: boolean}}
 */
export function saying(what, detail) {
  const trouble = (/** @type {string} */ text) => ({ text, trouble: true });
  const note = (/** @type {string} */ text) => ({ text, trouble: false });
  switch (what) {
    case 'clock': {
      const seconds = Number(detail);
      const way = seconds > 0 ? 'behind' : 'ahead';
      if (!detail) return note('The clocks of this machine and of the distributor agree again.');
      return note(
        `The clock of this machine is ${span(Math.abs(seconds))} ${way}. Requests are signed with the distributor’s time; set the clock right when you can.`,
      );
    }
    case 'asleep':
      return note(
        `This tab was asleep for ${span(Number(detail))}: the machine slept, or the browser froze the tab. Units that ran out meanwhile may be with somebody else; finished ones are delivered all the same.`,
      );
    case 'full':
      return trouble(
        'The browser gives this page no more room. The finished proof lasts only as long as this tab: leave it open until it is delivered, or free some space.',
      );
    case 'denied':
      return trouble(
        'The browser lets this page keep nothing. The finished proof lasts only as long as this tab: leave it open until it is delivered.',
      );
    case 'waits':
      return note(`A finished proof waits here and will be sent again: ${detail}.`);
    case 'refused':
      return trouble(`The distributor refused a proof: ${detail}`);
    case 'failed':
      return note(`A unit could not be done, which was reported: ${detail}`);
    case 'unreachable':
      return note(`Waiting: ${detail}.`);
    case 'key_revoked':
      return trouble(`The operator of this grid blocked this key: ${detail}`);
    case 'clock_skew':
      return trouble(`The clock of this machine is wrong, and the distributor does not say by how much: ${detail}`);
    case 'protocol_version':
      return trouble(
        'The distributor was updated while this page was open. Reload the page; finished proofs are kept.',
      );
    case 'unknown_project':
      return trouble(`There is no such project any more: ${detail}`);
    case 'wasm':
      return trouble(
        `The program of this page does not start: ${detail}. Reload the page, and look whether an extension blocks it.`,
      );
    default:
      return note(`Waiting: ${detail}`);
  }
}

/** @param {number} number */
export const count = (number) => number.toLocaleString('en-GB');

/**
 * @param {number} number
 * @param {string} word
 */
export const several = (number, word) => `${count(number)} ${word}${number === 1 ? '' : 's'}`;
