// Visitors donate: real units of both languages, from tabs that come and go.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Grid, until } from './grid.js';
import { donatePage, launch, number, text } from './tabs.js';

let grid, browser, context;

before(async () => {
  grid = await Grid.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await grid?.stop();
});

test.beforeEach(async () => {
  grid.between.meddle = () => null;
  context = await browser.newContext();
});

test.afterEach(async () => {
  await context.close();
});

test('two tabs with one key prove units of Cairo 0 and of Cairo 2', async () => {
  await grid.push(
    'primes',
    'primes/primes.json',
    [0, 1, 2].map((k) => ({ lo: 20 * k, hi: 20 * k + 20 })),
  );
  await grid.push('collatz', 'collatz/collatz.executable.json', [
    [1, 6],
    [6, 11],
    [11, 16],
  ]);
  const tabs = [await donatePage(context, grid), await donatePage(context, grid)];
  const keys = await Promise.all(tabs.map((tab) => text(tab, 'key')));
  assert.match(keys[0], /^[0-9a-f]{64}$/);
  assert.equal(keys[0], keys[1], 'one browser, one key');
  for (const tab of tabs) await tab.getByRole('button', { name: 'Start donating' }).click();
  await grid.proved('primes', 3);
  await grid.proved('collatz', 3);
  await until('credit for all', async () => /^6 units/.test(await text(tabs[0], 'credit')));
  await until(
    'all delivered',
    async () => (await number(tabs[0], 'delivered')) + (await number(tabs[1], 'delivered')) === 6,
  );
  for (const project of ['primes', 'collatz']) {
    for (const { proof } of await grid.results(project)) assert.equal(proof.prover, keys[0]);
  }
  await until('an empty outbox', async () => (await number(tabs[0], 'outbox')) === 0);
  for (const tab of tabs) assert.deepEqual(tab.wrong, []);
});

test('a tab that is closed in the middle comes back to its unit', async () => {
  await grid.push('long', 'primes/primes.json', [{ lo: 0, hi: 600 }]);
  const first = await donatePage(context, grid, '?project=long');
  await first.getByRole('button', { name: 'Start donating' }).click();
  await first.locator('#slots').getByText('long, unit').waitFor();
  await until(
    'work',
    async () =>
      (await first
        .locator('#slots progress')
        .first()
        .evaluate((bar) => bar.value)) > 0.1,
  );
  await first.close();
  const second = await donatePage(context, grid, '?project=long');
  await second.getByRole('button', { name: 'Start donating' }).click();
  await grid.proved('long', 1);
  const { units } = await grid.ask('/v1/projects/long/units');
  assert.equal(units[0].attempts, 1, 'the lease of the tab that was closed was taken up');
  await until('credit', async () => (await text(second, 'credit')).startsWith('1 unit'));
});

test('a finished proof survives that the tab is closed', async () => {
  await grid.push('kept', 'collatz/collatz.executable.json', [[1, 8]]);
  grid.between.meddle = (line) => (line.startsWith('PUT /v1/proofs/') ? { drop: true } : null);
  const first = await donatePage(context, grid, '?project=kept');
  await first.getByRole('button', { name: 'Start donating' }).click();
  await until('a proof in the outbox', async () => (await number(first, 'outbox')) === 1);
  await first.locator('#log').getByText('will be sent again').first().waitFor();
  await first.close();
  grid.between.meddle = () => null;
  const leases = () => grid.between.seen.filter((line) => line === 'POST /v1/leases').length;
  const second = await donatePage(context, grid, '?project=kept');
  const asked = leases();
  await second.getByRole('button', { name: 'Start donating' }).click();
  await grid.proved('kept', 1);
  await until('an empty outbox', async () => (await number(second, 'outbox')) === 0);
  assert.equal((await grid.ask('/v1/projects/kept/units')).units[0].attempts, 1, 'nothing was computed twice');
  assert.ok(leases() >= asked);
});

test('a wrong clock is corrected, and said', async () => {
  await grid.push('clock', 'collatz/collatz.executable.json', [[1, 4]]);
  let told = false;
  grid.between.meddle = (line) => {
    if (told || line !== 'POST /v1/leases') return null;
    told = true;
    const server_time = Math.floor(Date.now() / 1000) + 200;
    return {
      answer: {
        type: 'urn:cairn:problem:clock_skew',
        title: 'x',
        status: 401,
        cause: 'clock_skew',
        detail: 'off',
        server_time,
      },
    };
  };
  const page = await donatePage(context, grid, '?project=clock');
  await page.getByRole('button', { name: 'Start donating' }).click();
  await page.locator('#log').getByText('3 minutes behind').waitFor();
  await grid.proved('clock', 1);
});

test('a share of the core is held, and a pause within a unit', async () => {
  await grid.push('pause', 'primes/primes.json', [{ lo: 0, hi: 600 }]);
  const page = await donatePage(context, grid, '?project=pause');
  assert.ok(await page.evaluate(() => globalThis.crossOriginIsolated), 'units can be held back within');
  await page.getByRole('button', { name: 'Start donating' }).click();
  const bar = () =>
    page
      .locator('#slots progress')
      .first()
      .evaluate((element) => element.value);
  await until('work', async () => (await bar()) > 0.05);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.locator('#status').getByText('You paused it.').waitFor();
  // What was said before the pause may still be on its way.
  let last = -1;
  await until('standstill', async () => {
    const now = await bar();
    const still = now === last;
    last = now;
    await page.waitForTimeout(500);
    return still;
  });
  assert.equal((await grid.ask('/v1/projects/pause')).units.proved, 0);
  await page.locator('#cap').fill('50');
  await page.getByRole('button', { name: 'Go on' }).click();
  await grid.proved('pause', 1);
});

test('an altered program is not run', async () => {
  await grid.push('altered', 'collatz/collatz.executable.json', [[1, 4]]);
  let fetched = 0;
  grid.between.meddle = (line) => {
    if (!line.startsWith('GET /v1/programs/')) return null;
    fetched += 1;
    return { body: (bytes) => Buffer.concat([bytes, Buffer.from(' ')]) };
  };
  const page = await donatePage(context, grid, '?project=altered');
  await page.getByRole('button', { name: 'Start donating' }).click();
  await page.locator('#log').getByText('the program file has SHA-256').first().waitFor();
  assert.ok(fetched > 0);
  assert.equal((await grid.ask('/v1/projects/altered')).units.proved, 0);
});
