import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RunState } from '../../core/model/run-state';
import { plainServiceName } from '../../core/pipeline/service-name';
import { homeFolder, RepositoryHome } from '../../core/support/home';
import { LiveEnvironments } from '../environments/live-environments';
import { RunHistory } from '../pipeline/run-history';
import { ChangeEvent } from './change-event';
import { findRepository, hasGit } from './git-folder';
import type { Readiness, Service, ServiceAnnotations, ServiceState, WindowState } from './state';

const maxRunsPerService = 12;

/** The state of the window, read from disk. Views are drawn from `state` when `changed` fires. */
export class Store {
  readonly changed = new ChangeEvent();
  private readonly histories = new Map<string, RunHistory>();
  private readonly live = new LiveEnvironments(homeFolder());
  /** By service key: the process of a delivery that has not written its first event. */
  private readonly starting = new Map<string, number>();
  /** By service key: the time of the last save. */
  private readonly savedAt = new Map<string, number>();
  /** By service key. */
  private readonly annotations = new Map<string, ServiceAnnotations>();
  private services: readonly Service[] = [];
  private readiness: Readiness = 'looking';

  constructor(public trusted: boolean) {
    this.live.changed.listen(() => this.changed.fire());
  }

  get state(): WindowState {
    return {
      readiness: this.readiness,
      trusted: this.trusted,
      services: this.services.map((service) => this.stateOf(service)),
      environments: this.live.environments,
    };
  }

  /** Sets the paths of all `delivery.yaml` files in the window, and its folders. */
  setDefinitions(definitions: readonly string[], folders: readonly string[]): void {
    this.services = [...definitions].sort().flatMap((file) => serviceAt(file) ?? []);
    this.readiness = this.readinessOf(definitions, folders);
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
      history.changed.listen(() => this.changed.fire());
      history.start();
    }
    if (this.services.length > 0) this.live.start();
    this.changed.fire();
  }

  trust(): void {
    this.trusted = true;
    this.changed.fire();
  }

  /** Records that a process was started to deliver a service, until its first event is read or it exits. */
  deliveryStarted(service: Service, pid: number): void {
    this.starting.set(service.key, pid);
    this.savedAt.delete(service.key);
    this.histories.get(service.home.folder)?.readSoon();
    this.changed.fire();
  }

  /** Records that the process of a delivery exited. Returns its run, if it started one. */
  deliveryExited(service: Service, pid: number): RunState | undefined {
    const history = this.histories.get(service.home.folder);
    history?.read();
    if (this.starting.get(service.key) === pid) this.starting.delete(service.key);
    this.changed.fire();
    return history?.runs.find((run) => run.runner.pid === pid);
  }

  /** Adds facts to a service. They stay until they are replaced. */
  annotate(service: Service, annotations: ServiceAnnotations): void {
    this.annotations.set(service.key, { ...this.annotations.get(service.key), ...annotations });
    this.changed.fire();
  }

  /** Returns all runs of a service that have been read, newest first. */
  runsOf(service: Service): RunState[] {
    return (this.histories.get(service.home.folder)?.runs ?? []).filter((run) => run.service === service.name);
  }

  fileSaved(file: string): void {
    const service = this.serviceOf(file);
    if (!service) return;
    this.savedAt.set(service.key, Date.now());
    this.changed.fire();
  }

  /** Returns the innermost service whose folder contains the file. */
  serviceOf(file: string): Service | undefined {
    return this.services
      .filter((service) => isWithin(service.folder, file))
      .sort((a, b) => b.folder.length - a.folder.length)
      .at(0);
  }

  /** Returns the service of a repository that has exactly one. */
  onlyServiceIn(root: string): Service | undefined {
    const [only, ...others] = this.services.filter((service) => service.root === root);
    return others.length === 0 ? only : undefined;
  }

  private stateOf(service: Service): ServiceState {
    const all = this.runsOf(service);
    const runs = all.slice(0, maxRunsPerService);
    const pid = this.starting.get(service.key);
    const savedAt = this.savedAt.get(service.key);
    const startedAt = runs[0] && Date.parse(runs[0].startedAt);
    return {
      ...service,
      ...this.annotations.get(service.key),
      runs,
      starting: pid !== undefined && !all.some((run) => run.runner.pid === pid),
      changed: savedAt !== undefined && startedAt !== undefined && savedAt > startedAt,
    };
  }

  private readinessOf(definitions: readonly string[], folders: readonly string[]): Readiness {
    if (folders.length === 0) return 'no-folder';
    if (this.services.length > 0) return hasGit() ? 'ready' : 'no-git';
    if (!hasGit()) return 'no-git';
    if (definitions.length > 0) return 'no-repository';
    return folders.some((folder) => findRepository(folder)) ? 'no-definition' : 'no-repository';
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
  const repository = findRepository(folder);
  if (!repository) return undefined;
  const home = new RepositoryHome(homeFolder(), repository.commonGitFolder);
  return { key: file, name: serviceName(file) ?? path.basename(folder), folder, file, root: repository.root, home };
}

/** Reads the name without the parser, which is loaded only on demand. */
function serviceName(file: string): string | undefined {
  try {
    const text = fs.readFileSync(file, 'utf8');
    // YAML accepts JSON.
    const inJson = /^\s*\{/.test(text) ? /(["']?)\bservice\1\s*:\s*(["']?)([^"'\s,}]+)\2/.exec(text)?.[3] : undefined;
    return inJson ?? plainServiceName(text);
  } catch {
    return undefined;
  }
}
