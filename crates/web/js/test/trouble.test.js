// Browsers that lack something, or let pages do little: each says so in its own words.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Grid, until } from './grid.js';
import { donatePage, kernel, launch, launchForgetful, number, UNRELAXED } from './tabs.js';

let grid, browser;

before(async () => {
  grid = await Grid.start();
  await grid.push('small', 'collatz/collatz.executable.json', [
    [1, 4],
    [4, 7],
    [7, 10],
    [10, 13],
    [13, 16],
    [16, 19],
  ]);
});

after(async () => grid?.stop());

test.afterEach(async () => {
  grid.between.meddle = () => null;
  await browser?.close();
});

const FULL = `
const put = IDBObjectStore.prototype.put;
IDBObjectStore.prototype.put = function (...all) {
  if (this.name === 'outbox') throw new DOMException('no more room', 'QuotaExceededError');
  return put.apply(this, all);
};`;

test('without WebAssembly the page says so, and starts nothing', async () => {
  browser = await launch();
  const page = await browser.newPage();
  await page.addInitScript(() => delete globalThis.WebAssembly);
  await page.goto(`${grid.address}/donate`);
  await page.getByRole('alert').getByText('no WebAssembly').waitFor();
  assert.ok(await page.locator('#panel').isHidden());
});

test('fused products are used where they are, and give the same', async () => {
  browser = await launch();
  const page = await donatePage(await browser.newContext(), grid);
  assert.equal(await kernel(page), 'relaxed');
  assert.deepEqual(page.wrong, []);
});

test('without relaxed vectors the other module donates', async () => {
  browser = await launch();
  const context = await browser.newContext();
  await context.addInitScript(UNRELAXED);
  const page = await donatePage(context, grid);
  assert.equal(await kernel(page), 'portable');
  await page.getByRole('button', { name: 'Start donating' }).click();
  await until('a proof', async () => (await number(page, 'delivered')) > 0, 120);
  assert.deepEqual(page.wrong, []);
});

test('without JavaScript the page says what it needs', async () => {
  browser = await launch();
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await page.goto(`${grid.address}/donate`);
  await page.locator('noscript p').waitFor();
  assert.match(await page.locator('noscript p').innerText(), /needs JavaScript and WebAssembly/);
});

test('where nothing is kept, units are done all the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cairn-forgetful-'));
  const context = await launchForgetful(folder);
  browser = context;
  const page = await donatePage(context, grid);
  await page.getByText('The browser keeps nothing for this page').waitFor();
  await page.getByRole('button', { name: 'Start donating' }).click();
  await until('a delivery', async () => (await number(page, 'delivered')) > 0);
  await context.close();
  await rm(folder, { recursive: true });
});

test('where there is no more room, the finished proof is delivered from the tab', async () => {
  browser = await launch();
  const context = await browser.newContext();
  await grid.push('full', 'collatz/collatz.executable.json', [[20, 24]]);
  // Browsers cannot be told to run out of room: writing finished proofs fails as it does then.
  grid.between.meddle = (line) => (line.endsWith('/store.js') ? { body: (script) => script + FULL } : null);
  const page = await donatePage(context, grid, '?project=full');
  await page.getByRole('button', { name: 'Start donating' }).click();
  await page.getByRole('alert').getByText('no more room').waitFor();
  await until('a delivery', async () => (await number(page, 'delivered')) > 0);
});

test('on its battery a machine rests', async () => {
  browser = await launch();
  const context = await browser.newContext();
  await context.addInitScript(() => {
    const battery = new EventTarget();
    battery.charging = false;
    navigator.getBattery = async () => battery;
    globalThis.plugIn = () => {
      battery.charging = true;
      battery.dispatchEvent(new Event('chargingchange'));
    };
  });
  const page = await donatePage(context, grid);
  await page.getByRole('button', { name: 'Start donating' }).click();
  await page.locator('#status').getByText('runs on its battery').waitFor();
  await page.evaluate(() => globalThis.plugIn());
  await page.locator('#status').getByText('runs on its battery').waitFor({ state: 'detached' });
});

test('a distributor that is away is waited for', async () => {
  browser = await launch();
  const context = await browser.newContext();
  const page = await donatePage(context, grid);
  grid.between.meddle = (line) => (line.startsWith('POST') ? { drop: true } : null);
  await page.getByRole('button', { name: 'Start donating' }).click();
  await page.locator('#log').getByText('cannot be reached').first().waitFor();
  grid.between.meddle = () => null;
  await until(
    'what comes after',
    async () => !(await page.locator('#status').textContent()).includes('cannot be reached'),
  );
});

test('a key is exported and imported, a damaged one is not taken', async () => {
  browser = await launch();
  const [one, two] = [await browser.newContext(), await browser.newContext()];
  const [page, other] = [await donatePage(one, grid), await donatePage(two, grid)];
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save the key file' }).click(),
  ]);
  const file = await download.path();
  const key = await page.locator('#key').textContent();
  assert.notEqual(await other.locator('#key').textContent(), key);
  await other
    .locator('#import')
    .setInputFiles({ name: 'x.key', mimeType: 'text/plain', buffer: Buffer.from('no key\n') });
  await other.getByText('The key was not taken').waitFor();
  await other.locator('#import').setInputFiles(file);
  await other.getByText('This key is used from now on.').waitFor();
  assert.equal(await other.locator('#key').textContent(), key);
  await other.reload();
  await until('the key again', async () => (await other.locator('#key').textContent()) === key);
});
