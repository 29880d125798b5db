import * as vscode from 'vscode';
import { claimCommit, CommitWatch, type HeldCommit } from '../../core/history/commit-watch';
import { MadeCommits, PushedCommits, touchedFolders, type NewCommit } from '../../core/history/new-commits';
import { messageOf } from '../../core/model/result';
import { deliverOn, deliverOnSetting } from './deliver-on';
import type { Deliveries } from './deliveries';
import type { DeliveryEnd } from './delivery-end';
import { findGitFolder, folderInRepository } from '../app/git-folder';
import { MissingSecrets } from './missing-secrets';
import type { SecretStore } from '../app/secrets';
import type { AutoDeliveryState, Service, ServiceState } from '../app/state';
import type { Store } from '../app/store';

interface Next {
  readonly commit: string;
  /** It is this window's to deliver. */
  isClaimed: boolean;
  /** What it lacks, until a secret is set. */
  lacks?: string | undefined;
}

const operations: Record<HeldCommit['operation'], string> = {
  rebase: 'a rebase is under way',
  merge: 'a merge is under way',
  'cherry-pick': 'a cherry-pick is under way',
  revert: 'a revert is under way',
  bisect: 'a bisection is under way',
  am: 'patches are being applied',
};

/** Delivers every commit, or every push, by itself where the setting says so: the newest one, in the services that it touches. */
export class AutoDelivery implements vscode.Disposable {
  /** By what is waited for and the working copy. */
  private readonly watches = new Map<string, CommitWatch>();
  /** By the service's key. */
  private readonly next = new Map<string, Next>();
  private readonly busy = new Set<string>();
  private readonly missing: MissingSecrets;
  private readonly events: vscode.Disposable;
  private stamp = '';

  constructor(
    private readonly store: Store,
    private readonly deliveries: Deliveries,
    secrets: SecretStore,
    private readonly end: DeliveryEnd,
  ) {
    this.missing = new MissingSecrets(secrets);
    this.events = vscode.Disposable.from(
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(deliverOnSetting)) this.watchAll();
      }),
      secrets.onDidChange(() => {
        for (const next of this.next.values()) next.lacks = undefined;
        this.goOn();
      }),
    );
  }

  /** The services of the window as they are now. */
  update(services: readonly Service[]): void {
    const stamp = vscode.workspace.isTrusted ? services.map(({ key, root }) => `${key} ${root}`).join('\n') : '';
    if (stamp !== this.stamp) {
      this.stamp = stamp;
      this.watchAll();
    }
    this.goOn();
  }

  dispose(): void {
    this.events.dispose();
    for (const watch of this.watches.values()) watch.dispose();
  }

  private watchAll(): void {
    const { services, trusted } = this.store.state;
    const wanted = new Set<string>();
    for (const service of services) {
      const on = deliverOn(service);
      if (on === 'click' || !trusted) this.forget(service);
      else {
        wanted.add(`${on} ${service.root}`);
        this.watch(on, service.root);
        if (service.autoDelivery?.on !== on) this.store.note(service, { autoDelivery: { on } });
      }
    }
    for (const [key, watch] of this.watches) {
      if (wanted.has(key)) continue;
      watch.dispose();
      this.watches.delete(key);
    }
  }

  private watch(on: AutoDeliveryState['on'], root: string): void {
    const key = `${on} ${root}`;
    const git = findGitFolder(root);
    if (this.watches.has(key) || !git) return;
    const repository = { root: git.root, gitFolder: git.own, commonGitFolder: git.common };
    const source = on === 'commit' ? new MadeCommits(repository) : new PushedCommits(repository);
    const listener = {
      found: (made: NewCommit) => void this.found(on, root, made),
      held: (held: HeldCommit | undefined) => {
        for (const service of this.servicesOf(on, root)) {
          const next = this.next.get(service.key);
          if (held) this.tell(service, { commit: held.commit, why: operations[held.operation] });
          else this.tell(service, next?.lacks === undefined ? undefined : { commit: next.commit, why: next.lacks });
        }
      },
    };
    this.watches.set(key, new CommitWatch(git.own, source, listener));
  }

  private forget(service: ServiceState): void {
    this.next.delete(service.key);
    if (service.autoDelivery) this.store.note(service, { autoDelivery: undefined });
  }

  private servicesOf(on: AutoDeliveryState['on'], root: string): ServiceState[] {
    return this.store.state.services.filter((service) => service.root === root && service.autoDelivery?.on === on);
  }

  private async found(on: AutoDeliveryState['on'], root: string, made: NewCommit): Promise<void> {
    const services = this.servicesOf(on, root);
    const folderOf = ({ folder }: Service): string => folderInRepository(root, folder);
    const touched = await touchedFolders(root, made, services.map(folderOf));
    for (const service of services) {
      if (touched.includes(folderOf(service))) this.next.set(service.key, { commit: made.commit, isClaimed: false });
    }
    this.goOn();
  }

  private goOn(): void {
    for (const key of this.next.keys()) void this.deliver(key);
  }

  /** Starts what is next for a service, after what was started before it has its place in the queue. */
  private async deliver(key: string): Promise<void> {
    const next = this.next.get(key);
    const service = this.store.state.services.find((candidate) => candidate.key === key);
    if (!next || next.lacks !== undefined || !service || service.starting || this.busy.has(key)) return;
    this.busy.add(key);
    try {
      next.isClaimed ||= claimCommit(service.home, service.name, next.commit);
      next.lacks = next.isClaimed ? await this.missing.of(service) : undefined;
      if (next.lacks !== undefined) return this.tell(service, { commit: next.commit, why: next.lacks });
      if (this.next.get(key) !== next) return; // a newer one came meanwhile
      this.next.delete(key);
      this.tell(service, undefined);
      if (next.isClaimed) await this.deliveries.deliverByItself(service, next.commit);
    } catch (error) {
      this.next.delete(key);
      this.end.complain(`${service.name} could not be delivered`, messageOf(error));
    } finally {
      this.busy.delete(key);
      if (this.next.has(key) && this.next.get(key) !== next) void this.deliver(key);
    }
  }

  /** For those who look: what waits, and why. */
  private tell({ key }: Service, waiting: AutoDeliveryState['waiting']): void {
    const service = this.store.state.services.find((candidate) => candidate.key === key);
    if (!service?.autoDelivery) return;
    const { on, waiting: before } = service.autoDelivery;
    if (before?.commit === waiting?.commit && before?.why === waiting?.why) return;
    this.store.note(service, { autoDelivery: { on, ...(waiting && { waiting }) } });
  }
}
