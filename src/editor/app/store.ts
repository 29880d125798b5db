import * as fs from 'node:fs';
import * as path from 'node:path';
import { homeFolder, RepositoryHome } from '../../core/support/home';
import { plainServiceName } from '../../core/pipeline/service-name';
import type { RunState } from '../../core/model/run-state';
import { Changes } from './change-event';
import { findGitFolder, hasGit } from './git-folder';
import { LiveEnvironments } from '../environments/live-environments';
import { RunHistory } from '../pipeline/run-history';
import type { Noted, Service, ServiceState, Situation, WindowState } from './state';

/** How many runs of a service are shown. */
const shown = 12;

/** What the window knows, from the disk alone: the surfaces are drawn from `state` when `changes` tells. */
export class Store {
  readonly changes = new Changes();
  private readonly histories = new Map<string, RunHistory>();
  private readonly live = new LiveEnvironments(homeFolder());
  /** By the service's key: the runner that was started and has not told of itself. */
  private readonly starting = new Map<string, number>();
  /** By the service's key: when something of it was last saved. */
  private readonly savedAt = new Map<string, number>();
  /** By the service's key. */
  private readonly noted = new Map<string, Noted>();
  private services: readonly Service[] = [];
  private situation: Situation = 'looking';

  constructor(public trusted: boolean) {
    this.live.changes.listen(() => this.changes.tell());
  }

  get state(): WindowState {
    return {
      situation: this.situation,
      trusted: this.trusted,
      services: this.services.map((service) => this.stateOf(service)),
      environments: this.live.environments,
    };
  }

  /** The window's definitions: paths of `delivery.yaml` files, in any order, and its folders. */
  show(definitions: readonly string[], folders: readonly string[]): void {
    this.services = [...definitions].sort().flatMap((file) => serviceAt(file) ?? []);
    this.situation = this.situationOf(definitions, folders);
    const homes = new Map(this.services.map((service) => [service.home.folder, service.home]));
    for (const [folder, history] of this.histories) {
      if (homes.has(folder)) continue;
      history.dispose();
      this.histories.delete(folder);
    }
    for (const [folder, home] of homes) {
      if (this.histories.has(folder)) continue;
      const history = new RunHistory(home);
      this.histories.set(folder, history);
      history.changes.listen(() => this.changes.tell());
      history.start();
    }
    if (this.services.length > 0) this.live.start();
    this.changes.tell();
  }

  trust(): void {
    this.trusted = true;
    this.changes.tell();
  }

  /** A delivery of the service was started as this process: shown until its first event is, or until `settled`. */
  begin(service: Service, runner: number): void {
    this.starting.set(service.key, runner);
    this.savedAt.delete(service.key);
    this.histories.get(service.home.folder)?.look();
    this.changes.tell();
  }

  /** That process ended: the run that it made, if it came that far. */
  settled(service: Service, runner: number): RunState | undefined {
    const history = this.histories.get(service.home.folder);
    history?.read();
    if (this.starting.get(service.key) === runner) this.starting.delete(service.key);
    this.changes.tell();
    return history?.runs.find((run) => run.runner.pid === runner);
  }

  /** What another part of the window has to say of a service, until it says otherwise. */
  note(service: Service, noted: Noted): void {
    this.noted.set(service.key, { ...this.noted.get(service.key), ...noted });
    this.changes.tell();
  }

  /** All runs of a service that are known here, newest first. */
  runsOf(service: Service): RunState[] {
    return (this.histories.get(service.home.folder)?.runs ?? []).filter((run) => run.service === service.name);
  }

  /** A file of the window was saved. */
  saved(file: string): void {
    const service = this.serviceOf(file);
    if (!service) return;
    this.savedAt.set(service.key, Date.now());
    this.changes.tell();
  }

  /** The service that a file belongs to: the innermost. */
  serviceOf(file: string): Service | undefined {
    return this.services
      .filter((service) => isWithin(service.folder, file))
      .sort((a, b) => b.folder.length - a.folder.length)
      .at(0);
  }

  /** The service of a repository that holds only one. */
  onlyServiceIn(root: string): Service | undefined {
    const [only, ...others] = this.services.filter((service) => service.root === root);
    return others.length === 0 ? only : undefined;
  }

  private stateOf(service: Service): ServiceState {
    const all = this.runsOf(service);
    const runs = all.slice(0, shown);
    const runner = this.starting.get(service.key);
    const saved = this.savedAt.get(service.key);
    const begun = runs[0] && Date.parse(runs[0].startedAt);
    return {
      ...service,
      ...this.noted.get(service.key),
      runs,
      starting: runner !== undefined && !all.some((run) => run.runner.pid === runner),
      changed: saved !== undefined && begun !== undefined && saved > begun,
    };
  }

  private situationOf(definitions: readonly string[], folders: readonly string[]): Situation {
    if (folders.length === 0) return 'no-folder';
    if (this.services.length > 0) return hasGit() ? 'ready' : 'no-git';
    if (!hasGit()) return 'no-git';
    if (definitions.length > 0) return 'no-repository';
    return folders.some((folder) => findGitFolder(folder)) ? 'no-definition' : 'no-repository';
  }

  dispose(): void {
    this.live.dispose();
    for (const history of this.histories.values()) history.dispose();
    this.histories.clear();
  }
}

export function isWithin(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative));
}

function serviceAt(file: string): Service | undefined {
  const folder = path.dirname(file);
  const git = findGitFolder(folder);
  if (!git) return undefined;
  const home = new RepositoryHome(homeFolder(), git.common);
  return { key: file, name: serviceName(file) ?? path.basename(folder), folder, file, root: git.root, home };
}

/** The name as written in a definition: read without its parser, which is loaded only when it is needed. */
function serviceName(file: string): string | undefined {
  try {
    const text = fs.readFileSync(file, 'utf8');
    // YAML may also be written like JSON.
    const likeJson = /^\s*\{/.test(text) ? /(["']?)\bservice\1\s*:\s*(["']?)([^"'\s,}]+)\2/.exec(text)?.[3] : undefined;
    return likeJson ?? plainServiceName(text);
  } catch {
    return undefined;
  }
}
