// A real distributor with a temporary database, real programs pushed by the real uploader, and a way in between that
// can misbehave.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../../../..');
const BIN = process.env.CAIRN_BIN ?? join(ROOT, 'target/debug');
const run = promisify(execFile);

/** A folder whose files are served in place of the distributor's own: to try changes of scripts without building it. */
const WEB = process.env.CAIRN_WEB;
const TYPES = { js: 'text/javascript', css: 'text/css', wasm: 'application/wasm' };

/** Answers whatever it is asked through `meddle`, which may answer itself, change what comes back, or do nothing. */
class Between {
  constructor(behind) {
    this.behind = new URL(behind);
    this.meddle = () => null;
    this.seen = [];
    this.server = createServer((asked, answer) => this.pass(asked, answer));
  }

  async listen() {
    await new Promise((listening) => this.server.listen(0, '127.0.0.1', listening));
    // A secure address, as browsers see it.
    return `http://localhost:${this.server.address().port}`;
  }

  async pass(asked, answer) {
    const body = [];
    for await (const part of asked) body.push(part);
    const line = `${asked.method} ${asked.url}`;
    this.seen.push(line);
    const change = this.meddle(line);
    if (change?.drop) return asked.socket.destroy();
    if (change?.answer) {
      answer.writeHead(change.answer.status, { 'cairn-protocol': '3', 'content-type': 'application/problem+json' });
      return answer.end(JSON.stringify(change.answer));
    }
    const [, name] = /^\/web\/[0-9a-f]{64}\/([a-z_]+\.(?:js|css|wasm))$/.exec(asked.url) ?? [];
    if (WEB && name) {
      const isolated = {
        'cross-origin-embedder-policy': 'require-corp',
        'cross-origin-resource-policy': 'same-origin',
      };
      answer.writeHead(200, { ...isolated, 'content-type': TYPES[name.split('.').at(-1)] });
      const file = await readFile(join(WEB, name));
      return answer.end(change?.body ? change.body(file) : file);
    }
    const { hostname, port } = this.behind;
    const path = change?.path ?? asked.url;
    const asking = { ...asked.headers, 'accept-encoding': 'identity' };
    const forward = request({ hostname, port, path, method: asked.method, headers: asking }, async (got) => {
      const parts = [];
      for await (const part of got) parts.push(part);
      let bytes = Buffer.concat(parts);
      if (change?.body) bytes = Buffer.from(change.body(bytes));
      const headers = { ...got.headers, 'content-length': bytes.length };
      answer.writeHead(got.statusCode, headers).end(bytes);
    });
    forward.on('error', () => asked.socket.destroy());
    forward.end(Buffer.concat(body));
  }
}

export class Grid {
  static async start() {
    const grid = new Grid();
    grid.folder = await mkdtemp(join(tmpdir(), 'cairn-browser-'));
    grid.data = join(grid.folder, 'grid');
    const serve = spawn(join(BIN, 'distributor'), ['serve', '--data', grid.data, '--listen', '127.0.0.1:0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    grid.serve = serve;
    grid.log = '';
    serve.stderr.on('data', (text) => (grid.log += text));
    grid.behind = await new Promise((found, failed) => {
      let said = '';
      serve.stdout.on('data', (text) => {
        said += text;
        const address = /listening on (\S+)/.exec(said);
        if (address) found(address[1]);
      });
      serve.on('exit', (code) => failed(new Error(`the distributor ended with ${code}:\n${grid.log}`)));
    });
    grid.between = new Between(grid.behind);
    grid.address = await grid.between.listen();
    grid.environment = { ...process.env, CAIRN_UPLOADER_STATE: join(grid.folder, 'uploader') };
    const { stdout } = await run(join(BIN, 'distributor'), ['key', 'create', '--data', grid.data, '--name', 'test']);
    grid.key = /cairn_\S+/.exec(stdout)[0];
    await grid.uploader(['key', 'add', '--distributor', grid.behind], `${grid.key}\n`);
    return grid;
  }

  uploader(words, input = '') {
    const uploader = run(join(BIN, 'uploader'), words, { env: this.environment });
    uploader.child.stdin.end(input);
    return uploader;
  }

  /** Pushes a program of the repository with these argument sets. */
  async push(project, program, sets) {
    const file = join(this.folder, `${project}.jsonl`);
    await writeFile(file, sets.map((set) => JSON.stringify(set)).join('\n') + '\n');
    await this.uploader(['push', join(ROOT, 'programs', program), '--project', project, '--args', file]);
  }

  /** An answer of the distributor, asked with the access key. */
  async ask(target) {
    const answer = await fetch(this.behind + target, { headers: { authorization: `Bearer ${this.key}` } });
    if (!answer.ok) throw new Error(`${target}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async results(project) {
    return (await this.ask(`/v1/projects/${project}/results`)).results;
  }

  /** Waits until so many units of a project are proved. */
  async proved(project, number) {
    await until(
      `${number} proofs of ${project}`,
      async () => (await this.ask(`/v1/projects/${project}`)).units.proved >= number,
    );
  }

  async stop() {
    this.serve.removeAllListeners('exit');
    const ended = new Promise((done) => this.serve.on('exit', done));
    this.serve.kill('SIGTERM');
    this.between.server.closeAllConnections();
    this.between.server.close();
    await ended;
    await rm(this.folder, { recursive: true });
  }
}

/** Waits for something that will happen; a test that waits in vain says for what. */
export async function until(what, happened, seconds = 120) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await happened();
    if (found) return found;
    if (Date.now() > end) throw new Error(`in ${seconds} seconds there was not: ${what}`);
    await new Promise((tick) => setTimeout(tick, 50));
  }
}
