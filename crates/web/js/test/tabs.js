// A browser, and the pages in it.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const launch = (...more) => chromium.launch({ executablePath, args: [...QUIET, ...more] });

/** A browser whose user lets pages keep nothing. */
export async function launchForgetful(folder) {
  await mkdir(join(folder, 'Default'), { recursive: true });
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(folder, 'Default', 'Preferences'), JSON.stringify(preferences));
  return chromium.launchPersistentContext(folder, { executablePath, args: QUIET });
}

/** What went wrong in a page that nobody expected. */
export function watch(page) {
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => {
    // That the distributor refuses or is out of reach is part of some tests.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) wrong.push(message.text());
  });
  return wrong;
}

/** For `addInitScript`: a browser that does not know relaxed vectors, and what the page fetches for it. */
export const UNRELAXED = `
const validate = WebAssembly.validate;
WebAssembly.validate = (bytes) => !bytes.join().includes('253,135,2') && validate(bytes);`;

/** Which kernel the page's module has, after comparing all that it has with each other. */
export const kernel = (page) =>
  page.evaluate(async () => {
    const script = document.querySelector('script[type=module]').src;
    const { cairn, compile, start } = await import(new URL('engine.js', script).href);
    await start(await compile());
    for (let seed = 0; seed < 20; seed++) cairn.compareKernels(seed);
    return cairn.kernel();
  });

/** Opens the page and waits until it can start. */
export async function donatePage(context, grid, query = '') {
  const page = await context.newPage();
  page.wrong = watch(page);
  await page.goto(`${grid.address}/donate${query}`);
  await page.getByRole('button', { name: 'Start donating' }).waitFor();
  await page.locator('#cores').fill('1');
  return page;
}

export const text = (page, id) => page.locator(`#${id}`).textContent();
export const number = async (page, id) => Number((await text(page, id)).replaceAll(',', ''));

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/**
 * axe finds nothing on the page as it is now. Its source is evaluated by the browser's debugger, which the page's
 * policy does not bind.
 */
export async function accessible(page, what) {
  const { readFile } = await import('node:fs/promises');
  await page.evaluate(await readFile(AXE, 'utf8'));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  assert.deepEqual(found, [], what);
}
