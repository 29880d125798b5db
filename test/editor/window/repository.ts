import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { identityOf } from '../../../src/core/process/process-identity';

/** A git repository with a small service. Its build waits until the test opens a gate. */
export class ServiceRepository {
  private constructor(
    readonly folder: string,
    private readonly gate: string,
    private readonly builder: string,
  ) {}

  static create(folder: string): ServiceRepository {
    const gate = `${folder}.gate`;
    const builder = `${folder}.pid`;
    fs.mkdirSync(folder);
    const files: Record<string, string> = {
      'delivery.yaml': definition(gate, builder),
      'build.js': build,
      'server.js': server,
      'acceptance.js': acceptance,
    };
    for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), content);
    const repository = new ServiceRepository(folder, gate, builder);
    repository.git('init', '--quiet', '--initial-branch=main');
    repository.git('add', '.');
    repository.git('commit', '--quiet', '--message', 'Say hello');
    return repository;
  }

  /** Ends the build with this exit code. */
  openGate(exitCode = 0): void {
    fs.writeFileSync(`${this.gate}.draft`, String(exitCode));
    fs.renameSync(`${this.gate}.draft`, this.gate);
  }

  /** Returns true if the process of the latest build is running. */
  isBuilding(): boolean {
    // A zombie process has no identity, and builds nothing.
    return this.hasBuilt() && identityOf(Number(fs.readFileSync(this.builder, 'utf8'))) !== undefined;
  }

  /** Returns true if a build was ever started. */
  hasBuilt(): boolean {
    return fs.existsSync(this.builder);
  }

  /** Runs git outside the editor. */
  git(...args: string[]): string {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false'];
    return execFileSync('git', [...identity, ...args], { cwd: this.folder, encoding: 'utf8', stdio: 'pipe' }).trim();
  }
}

function definition(gate: string, builder: string): string {
  return `service: hello
steps:
  build:
    run: node build.js
    env: {GATE: '${gate}', BUILDER: '${builder}'}
  stage:
    needs: build
    deploy: staging
  acceptance:
    needs: stage
    run: node acceptance.js
    verifies: staging
environments:
  staging:
    process:
      command: node server.js
      health: {path: /healthz, timeout: 30s}
`;
}

const build = `const fs = require('fs');
fs.writeFileSync(process.env.BUILDER, String(process.pid));
console.log('waiting for the gate');
const poll = setInterval(() => {
  if (!fs.existsSync(process.env.GATE)) return;
  clearInterval(poll);
  const code = Number(fs.readFileSync(process.env.GATE, 'utf8'));
  if (code === 0) console.log('\\u001b[32mbuilt\\u001b[0m hello');
  else console.error('server.js:3:7: error: hello is not defined');
  process.exitCode = code;
}, 20);
`;

const server = `const http = require('http');
http
  .createServer((request, response) => {
    response.end(request.url === '/healthz' ? 'ok' : 'hello from the release');
  })
  .listen(process.env.PORT, '127.0.0.1');
`;

const acceptance = `const check = async () => {
  const answer = await (await fetch(process.env.DELIVERY_URL)).text();
  if (answer !== 'hello from the release') throw new Error('it said ' + answer);
  console.log('it says hello');
};
check();
`;
