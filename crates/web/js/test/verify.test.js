// Visitors check results: a true one holds, forged and altered ones are refused. And all can be done and read by
// everybody.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Grid } from './grid.js';
import { accessible, donatePage, launch, watch } from './tabs.js';

let grid, browser, context, result;

before(async () => {
  grid = await Grid.start();
  browser = await launch();
  context = await browser.newContext();
  await grid.push('primes', 'primes/primes.json', [{ lo: 0, hi: 30 }]);
  const page = await donatePage(context, grid);
  await page.getByRole('button', { name: 'Start donating' }).click();
  await grid.proved('primes', 1);
  [result] = await grid.results('primes');
  await page.close();
});

after(async () => {
  await browser?.close();
  await grid?.stop();
});

test.beforeEach(() => {
  grid.between.meddle = () => null;
});

async function verifyPage(sha256, visitor = context) {
  const page = await visitor.newPage();
  page.wrong = watch(page);
  await page.goto(`${grid.address}/verify/${sha256}`);
  return page;
}

test('a result is verified in the browser, and its outputs are shown', async () => {
  const page = await verifyPage(result.proof.sha256);
  await page.locator('#verdict').getByText('The proof holds').waitFor();
  const cells = await page.locator('#runs td').allTextContents();
  // Ten primes below thirty.
  assert.equal(cells[1], '0, 30');
  assert.equal(cells[2].split(', ').at(2), '10');
  assert.equal(Number(cells[3].replaceAll(',', '')), result.proof.n_steps);
  await page.getByText(result.proof.prover).waitFor();
  assert.deepEqual(page.wrong, []);
});

test('an altered file is refused', async () => {
  grid.between.meddle = (line) => (line.endsWith('/proof') ? { body: (bytes) => altered(bytes, 0.5) } : null);
  // Another visitor: a file that was fetched once is not fetched again.
  const page = await verifyPage(result.proof.sha256, await browser.newContext());
  await page.locator('#verdict').getByText('Refused').waitFor();
  assert.match(await page.locator('#verdict').textContent(), /altered/);
  assert.ok(await page.locator('#shown').isHidden());
});

for (const place of [0.02, 0.3, 0.6, 0.99]) {
  test(`a forged proof under its own name is refused (altered at ${place})`, async () => {
    const bytes = Buffer.from(
      await (await fetch(`${grid.behind}/v1/checks/${result.proof.sha256}/proof`)).arrayBuffer(),
    );
    const forged = createHash('sha256').update(altered(bytes, place)).digest('hex');
    const real = result.proof.sha256;
    grid.between.meddle = (line) => {
      if (!line.includes(`/v1/checks/${forged}`)) return null;
      const path = line.split(' ')[1].replace(forged, real);
      if (line.endsWith('/proof')) return { path, body: (body) => altered(body, place) };
      return { path, body: (body) => Buffer.from(body.toString().replaceAll(real, forged)) };
    };
    const page = await verifyPage(forged);
    await page.locator('#verdict').getByText('Refused').waitFor();
    assert.doesNotMatch(
      await page.locator('#verdict').textContent(),
      /altered/,
      'the verifier says it, not the digest',
    );
  });
}

test('a true proof said to be of other arguments is refused', async () => {
  grid.between.meddle = (line) =>
    line.endsWith(`/v1/checks/${result.proof.sha256}`)
      ? { body: (body) => Buffer.from(body.toString().replace('"0x1e"', '"0x1f"')) }
      : null;
  const page = await verifyPage(result.proof.sha256);
  await page.locator('#verdict').getByText('other arguments').waitFor();
});

test('a proof that is not there is said not to be there', async () => {
  const page = await verifyPage('0'.repeat(64));
  await page.locator('#verdict').getByText('there is no proof').waitFor();
});

test('everything is done with the keyboard alone', async () => {
  await grid.push('keys', 'collatz/collatz.executable.json', [[1, 4]]);
  const page = await donatePage(context, grid, '?project=keys');
  await page.locator('body').focus();
  const focused = () => page.evaluate(() => document.activeElement?.id ?? '');
  const reach = async (id) => {
    for (let k = 0; k < 20 && (await focused()) !== id; k++) await page.keyboard.press('Tab');
    assert.equal(await focused(), id);
  };
  await reach('start');
  await page.keyboard.press('Enter');
  await grid.proved('keys', 1);
  await reach('pause');
  await page.keyboard.press('Space');
  await page.locator('#status').getByText('You paused it.').waitFor();
  await reach('cap');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.locator('#cap-said').textContent(), '95 %');
  await reach('export');
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  assert.equal(download.suggestedFilename(), 'cairn-donor.key');
  await page.close();
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [390, 768, 1440]) {
    test(`axe finds nothing: ${colorScheme}, ${width} px`, async () => {
      const narrow = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
      const donate = await donatePage(narrow, grid);
      await donate.getByRole('button', { name: 'Start donating' }).click();
      await donate.locator('#slots li').first().waitFor();
      await accessible(donate, 'donate');
      const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
      assert.ok(await fits(donate), 'nothing sticks out');
      const verify = await narrow.newPage();
      await verify.goto(`${grid.address}/verify/${result.proof.sha256}`);
      await verify.locator('#verdict').getByText('The proof holds').waitFor();
      await accessible(verify, 'verify');
      assert.ok(await fits(verify), 'nothing sticks out');
      await narrow.close();
    });
  }
}

/** One byte of a file is another. */
function altered(bytes, place) {
  const copy = Buffer.from(bytes);
  copy[Math.floor(copy.length * place)] ^= 1;
  return copy;
}
