// What a tab does in a minute, and how soon: `node measure.js [UNITS]`, after `make test-browser`. Prints Markdown.
// Compare ratios within one run: the native donor does the same units on one thread, with each kernel that the
// machine has.

import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Grid, until } from './grid.js';
import { donatePage, launch, number, UNRELAXED } from './tabs.js';

const BIN = process.env.CAIRN_BIN ?? join(resolve(import.meta.dirname, '../../../..'), 'target/debug');
const run = promisify(execFile);
const UNITS = Number(process.argv[2] ?? 8);

/** Programs, with argument sets that take about so many steps. */
const WORK = [
  ['primes', 'primes/primes.json', (k) => ({ lo: 500 * k, hi: 500 * k + 500 })],
  ['collatz', 'collatz/collatz.executable.json', (k) => [100 * k + 1, 100 * k + 101]],
];

const sets = (make) => Array.from({ length: UNITS }, (_, k) => make(k + 1));
const grid = await Grid.start();

/** Units a minute from the first proof to the last. */
async function pace(project, begin) {
  await begin();
  const proved = async () => (await grid.ask(`/v1/projects/${project}`)).units.proved;
  const before = await until('a first proof', proved, 600);
  const first = performance.now();
  await until(`${project} done`, async () => (await proved()) >= UNITS, 3600);
  return ((UNITS - before) * 60_000) / (performance.now() - first);
}

async function inBrowser(name, program, make, relaxed) {
  const project = `${name}-tab-${relaxed}`;
  await grid.push(project, program, sets(make));
  // A new browser has nothing in its cache.
  const browser = await launch();
  const context = await browser.newContext();
  if (!relaxed) await context.addInitScript(UNRELAXED);
  const page = await donatePage(context, grid, `?project=${project}`);
  const begin = performance.now();
  let soon = 0;
  const rate = await pace(project, async () => {
    await page.getByRole('button', { name: 'Start donating' }).click();
    await until('a proof', async () => (await number(page, 'delivered')) > 0, 600);
    soon = (performance.now() - begin) / 1000;
  });
  await browser.close();
  const [{ proof }] = await grid.results(project);
  return { rate, soon, steps: proof.n_steps };
}

async function natively(name, program, make, kernel) {
  const project = `${name}-${kernel}`;
  await grid.push(project, program, sets(make));
  const words = [
    'run',
    '--server',
    grid.behind,
    '--project',
    project,
    '--state',
    join(grid.folder, project),
    '--threads',
    '1',
    '--at-once',
    '1',
    '--max-cpu',
    '100',
    '--no-yield',
    '--batch-minutes',
    '0',
    '--max-units',
    String(UNITS),
  ];
  const donor = run(join(BIN, 'donor'), words, { env: { ...process.env, CAIRN_KERNEL: kernel } });
  const rate = await pace(project, async () => {});
  await donor;
  return rate;
}

console.log(
  `| units of | steps | a tab, one core | with fused products | portable | avx2 | best | first proof in a tab |\n|---|---|---|---|---|---|---|---|`,
);
for (const [name, program, make] of WORK) {
  const { rate: plain } = await inBrowser(name, program, make, false);
  const { rate, soon, steps } = await inBrowser(name, program, make, true);
  const native = [];
  for (const kernel of ['portable', 'avx2', 'avx512ifma']) native.push(await natively(name, program, make, kernel));
  const shown = [plain, rate, ...native].map((one) => `${one.toFixed(1)} a minute`);
  console.log(`| ${name} | ${steps} | ${shown.join(' | ')} | ${soon.toFixed(1)} s |`);
}
await grid.stop();
