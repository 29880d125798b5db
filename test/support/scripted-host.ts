import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Project } from './project';

/**
 * A host that a team manages with its own scripts: one server process on a fixed port, found by a pid file. It runs the `server.js`
 * of the project.
 */
export class ScriptedHost {
  constructor(
    readonly folder: string,
    readonly project: Project,
  ) {
    fs.mkdirSync(folder, { recursive: true });
    project.write('ops.js', scripts);
  }

  /** Returns the `command` of an environment in delivery.yaml. */
  definition(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    const script = (name: string): string => `node ops.js ${name}`;
    const all = { deploy: script('deploy'), status: script('status'), logs: script('logs'), stop: script('stop') };
    return { command: { ...all, env: { PLACE: this.folder }, timeout: '10s', ...more } };
  }

  /** The calls of its scripts, in order: `deploy 4f2a91c3`. */
  get calls(): string[] {
    const file = path.join(this.folder, 'calls');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  get pid(): number | undefined {
    const file = path.join(this.folder, 'pid');
    return fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : undefined;
  }

  /** Kills the server, as if it had crashed. */
  crash(): void {
    if (this.pid !== undefined) process.kill(this.pid, 'SIGKILL');
  }

  close(): void {
    try {
      this.crash();
    } catch {
      // it is not running
    }
  }
}

const scripts = `const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const place = process.env.PLACE;
const file = (name) => path.join(place, name);
const pid = () => (fs.existsSync(file('pid')) ? Number(fs.readFileSync(file('pid'), 'utf8')) : undefined);
const lives = (one) => { try { process.kill(one, 0); return !/^State:\\s*Z/m.test(fs.readFileSync('/proc/' + one + '/status', 'utf8')); } catch { return false; } };
const end = () => { if (pid() && lives(pid())) process.kill(pid(), 'SIGKILL'); fs.rmSync(file('pid'), { force: true }); };
const [, , what] = process.argv;
if (what !== 'status') fs.appendFileSync(file('calls'), what + ' ' + process.env.DELIVERY_COMMIT.slice(0, 8) + '\\n');
if (what === 'deploy') {
  end();
  const port = fs.existsSync(file('port')) ? fs.readFileSync(file('port'), 'utf8') : '0';
  fs.rmSync(file('ready'), { force: true });
  const log = fs.openSync(file('log'), 'a');
  const child = spawn(process.execPath, ['server.js'], { env: { ...process.env, PORT: port, PORT_FILE: file('ready') }, detached: true, stdio: ['ignore', log, log] });
  child.unref();
  fs.writeFileSync(file('pid'), String(child.pid));
  const wait = setInterval(() => {
    if (!lives(child.pid)) { console.error('the server died: ' + fs.readFileSync(file('log'), 'utf8').trim().split('\\n').at(-1)); process.exit(1); }
    if (!fs.existsSync(file('ready'))) return;
    clearInterval(wait);
    fs.copyFileSync(file('ready'), file('port'));
    fs.writeFileSync(process.env.DELIVERY_URL_FILE, 'http://127.0.0.1:' + fs.readFileSync(file('port'), 'utf8') + '\\n');
    console.log('started ' + process.env.DELIVERY_COMMIT.slice(0, 8) + ' after ' + (process.env.DELIVERY_PREVIOUS.slice(0, 8) || 'nothing'));
    if (fs.existsSync(file('hang'))) setInterval(() => {}, 1000);
  }, 20);
} else if (what === 'status') {
  if (!pid() || !lives(pid())) { console.error('no server runs'); process.exit(1); }
} else if (what === 'logs') process.stdout.write(fs.readFileSync(file('log'), 'utf8'));
else if (what === 'stop') end();
`;

/** Returns a server for the host that responds to every request with `text`. */
export function scriptedServer(text: string): string {
  return `console.log('it says ${text}');
const server = require('node:http').createServer((_, response) => response.end('${text}'));
const fs = require('node:fs');
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  fs.writeFileSync(process.env.PORT_FILE + '.draft', String(server.address().port));
  fs.renameSync(process.env.PORT_FILE + '.draft', process.env.PORT_FILE);
});
`;
}
