import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { tokenVariable } from '../../../src/core/pipeline/environment-tokens';
import { writePackedFile } from '../packed';
import { Project, type Running } from '../project';
import type { EngineServer } from './engine-server';
import { GithubServer } from './github-server';
import { GitlabServer } from './gitlab-server';
import { JenkinsServer } from './jenkins-server';
import { ScriptedRuns } from './scripted-runs';

export type EngineKind = 'github' | 'gitlab' | 'jenkins';

/** A project with a bare repository as its remote, whose pipeline runs on a CI service of the tests. */
export class RemoteProject {
  private constructor(
    readonly project: Project,
    readonly server: EngineServer,
    private readonly bare: string,
  ) {}

  /** `steps`: as in delivery.yaml; each job of the script has the same needs. */
  static async start(
    folder: string,
    kind: EngineKind,
    steps: Readonly<Record<string, Record<string, unknown>>>,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<RemoteProject> {
    const project = new Project(folder);
    const bare = path.join(folder, 'shop.git');
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare]);
    // GitLab and GitHub do so.
    execFileSync('git', ['config', 'receive.advertisePushOptions', 'true'], { cwd: bare });
    const needs = Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, [step['needs'] ?? []].flat() as string[]]));
    const runs = new ScriptedRuns(needs);
    const commitOf = (branch: string): string | undefined => commitIn(bare, branch);
    const server = await serverOf(kind, runs, commitOf);
    const engine = {
      github: { github: { url: server.url, repository: 'acme/shop' } },
      gitlab: { gitlab: { url: server.url, project: 'acme/shop' } },
      jenkins: { jenkins: { url: server.url, job: 'shop' } },
    }[kind];
    project
      .steps(steps, { engine, ...more })
      .write('src/cart.js', 'export const cart = [];\n\nexport function total() {\n  return 1;\n}\n');
    const remote = new RemoteProject(project, server, bare);
    project.git('remote', 'add', 'origin', bare);
    writePackedFile(path.join(project.root, 'tools/deliver.tgz'));
    const exported = await project.deliver('export', kind, '--package', 'tools/deliver.tgz');
    if (exported.code !== 0) throw new Error(exported.stderr);
    project.commit('A shop').git('push', '-q', '-u', 'origin', 'main');
    return remote;
  }

  /** The branches of the remote with their commits. */
  branches(): string[] {
    return execFileSync('git', ['for-each-ref', '--format=%(refname:short)'], { cwd: this.bare, encoding: 'utf8' })
      .split('\n')
      .filter((name) => name !== '');
  }

  /** The files of a pushed commit. */
  files(commit: string): string[] {
    return execFileSync('git', ['ls-tree', '-r', '--name-only', commit], { cwd: this.bare, encoding: 'utf8' }).trim().split('\n');
  }

  get environment(): Record<string, string> {
    return { [String(tokenVariable(this.server.url))]: this.server.token };
  }

  start(...args: string[]): Running {
    return this.project.start(args, this.environment);
  }

  /** Returns the output of `deliver step` in a job, in a checkout of the push, on a machine of its own. */
  async job(step: string, branch: string): Promise<{ readonly code: number | null; readonly stdout: string }> {
    const machine = path.join(this.project.folder, 'machine');
    const checkout = path.join(machine, 'shop');
    if (!fs.existsSync(checkout)) execFileSync('git', ['clone', '-q', this.bare, checkout]);
    execFileSync('git', ['fetch', '-q', 'origin', branch], { cwd: checkout });
    execFileSync('git', ['checkout', '-q', '--detach', 'FETCH_HEAD'], { cwd: checkout });
    const runner = new Project(machine);
    return runner.start(['step', step], { CI: 'true' }).ended;
  }

  /** Stops the environment of that machine. */
  async stopMachine(): Promise<void> {
    await new Project(path.join(this.project.folder, 'machine')).close();
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

function commitIn(bare: string, branch: string): string | undefined {
  try {
    return execFileSync('git', ['rev-parse', '-q', '--verify', `refs/heads/${branch.replace(/^refs\/heads\//, '')}`], {
      cwd: bare,
      encoding: 'utf8',
    }).trim();
  } catch {
    return undefined;
  }
}

async function serverOf(kind: EngineKind, runs: ScriptedRuns, commitOf: (branch: string) => string | undefined): Promise<EngineServer> {
  switch (kind) {
    case 'github':
      return GithubServer.start(runs, { repository: 'acme/shop', commitOf });
    case 'gitlab':
      return GitlabServer.start(runs, { project: 'acme/shop', commitOf });
    case 'jenkins':
      return JenkinsServer.start(runs, { job: 'shop', commitOf });
  }
}
