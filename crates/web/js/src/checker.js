// @ts-check
/** The worker that verifies a proof. */

import { account, checkedProof, program } from './distributor.js';
import { cairn, compile, start } from './engine.js';

/** @param {string} text */
const step = (text) => postMessage({ kind: 'step', text });

onmessage = async (/** @type {MessageEvent<{sha256: string}>} */ { data: { sha256 } }) => {
  try {
    step('Fetching the verifier.');
    await start(await compile());
    step('Fetching what the proof is of.');
    const said = await account(sha256);
    const check = JSON.parse(cairn.readCheck(sha256, said));
    if (!check.proof.kept) {
      return postMessage({ kind: 'gone', project: check.project });
    }
    step('Fetching the program and the proof.');
    const [file, proof] = await Promise.all([program(check.spec.program), checkedProof(sha256)]);
    step('Verifying.');
    const begin = performance.now();
    let shown;
    try {
      shown = JSON.parse(cairn.check(sha256, said, file, proof));
    } catch (error) {
      return postMessage({ kind: 'false', detail: error instanceof Error ? error.message : String(error) });
    }
    postMessage({ kind: 'true', check, shown, seconds: (performance.now() - begin) / 1000 });
  } catch (error) {
    postMessage({ kind: 'broken', detail: error instanceof Error ? error.message : String(error) });
  }
};
