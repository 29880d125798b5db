import * as vscode from 'vscode';
import { claimCommit, CommitWatch, type HeldCommit } from '../../core/history/commit-watch';
import { MadeCommits, type NewCommit, PushedCommits, touchedFolders } from '../../core/history/new-commits';
import { messageOf } from '../../core/model/result';
import { findRepository, folderInRepository } from '../app/git-folder';
import type { SecretStore } from '../app/secrets';
import type { AutoDeliveryState, Service, ServiceState } from '../app/state';
import type { Store } from '../app/store';
import type { Deliveries } from './deliveries';
import type { DeliveryNotifications } from './delivery-notifications';

const setting = 'deliver.deliverOn';

function deliverOn(service: Service): 'click' | 'commit' | 'push' {
  const value = vscode.workspace.getConfiguration('deliver', vscode.Uri.file(service.folder)).get<string>('deliverOn');
  return value === 'commit' || value === 'push' ? value : 'click';
}

interface PendingCommit {
  readonly commit: string;
  /** This window delivers the commit, not another one. */
  isClaimed: boolean;
  /** The missing secrets, until a secret is set. */
  missing?: string | undefined;
}

const operations: Record<HeldCommit['operation'], string> = {
  rebase: 'a rebase is in progress',
  merge: 'a merge is in progress',
  'cherry-pick': 'a cherry-pick is in progress',
  revert: 'a revert is in progress',
  bisect: 'a bisect is in progress',
  am: 'git am is in progress',
};

/** Delivers the newest commit or push automatically, for the services that it changes, if the setting says so. */
export class AutoDelivery implements vscode.Disposable {
  /** By trigger and repository root. */
  private readonly watches = new Map<string, CommitWatch>();
  /** By service key. */
  private readonly pending = new Map<string, PendingCommit>();
  private readonly busy = new Set<string>();
  private readonly missing: MissingSecrets;
  private readonly events: vscode.Disposable;
  private fingerprint = '';

  constructor(
    private readonly store: Store,
    private readonly deliveries: Deliveries,
    secrets: SecretStore,
    private readonly notifications: DeliveryNotifications,
  ) {
    this.missing = new MissingSecrets(secrets);
    this.events = vscode.Disposable.from(
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(setting)) this.watchAll();
      }),
      secrets.onDidChange(() => {
        for (const pending of this.pending.values()) pending.missing = undefined;
        this.deliverPending();
      }),
    );
  }

  update(services: readonly Service[]): void {
    const fingerprint = vscode.workspace.isTrusted ? services.map(({ key, root }) => `${key} ${root}`).join('\n') : '';
    if (fingerprint !== this.fingerprint) {
      this.fingerprint = fingerprint;
      this.watchAll();
    }
    this.deliverPending();
  }

  dispose(): void {
    this.events.dispose();
    for (const watch of this.watches.values()) watch.dispose();
  }

  private watchAll(): void {
    const { services, trusted } = this.store.state;
    const needed = new Set<string>();
    for (const service of services) {
      const on = deliverOn(service);
      if (on === 'click' || !trusted) this.forget(service);
      else {
        needed.add(`${on} ${service.root}`);
        this.watch(on, service.root);
        if (service.autoDelivery?.on !== on) this.store.annotate(service, { autoDelivery: { on } });
      }
    }
    for (const [key, watch] of this.watches) {
      if (needed.has(key)) continue;
      watch.dispose();
      this.watches.delete(key);
    }
  }

  private watch(on: AutoDeliveryState['on'], root: string): void {
    const key = `${on} ${root}`;
    const repository = findRepository(root);
    if (this.watches.has(key) || !repository) return;
    const source = on === 'commit' ? new MadeCommits(repository) : new PushedCommits(repository);
    const listener = {
      found: (commit: NewCommit) => void this.onCommit(on, root, commit),
      held: (held: HeldCommit | undefined) => {
        for (const service of this.servicesOf(on, root)) {
          const pending = this.pending.get(service.key);
          if (held) this.setWaiting(service, { commit: held.commit, reason: operations[held.operation] });
          else this.setWaiting(service, pending?.missing === undefined ? undefined : { commit: pending.commit, reason: pending.missing });
        }
      },
    };
    this.watches.set(key, new CommitWatch(repository.gitFolder, source, listener));
  }

  private forget(service: ServiceState): void {
    this.pending.delete(service.key);
    if (service.autoDelivery) this.store.annotate(service, { autoDelivery: undefined });
  }

  private servicesOf(on: AutoDeliveryState['on'], root: string): ServiceState[] {
    return this.store.state.services.filter((service) => service.root === root && service.autoDelivery?.on === on);
  }

  private async onCommit(on: AutoDeliveryState['on'], root: string, newCommit: NewCommit): Promise<void> {
    const services = this.servicesOf(on, root);
    const folderOf = ({ folder }: Service): string => folderInRepository(root, folder);
    const touched = await touchedFolders(root, newCommit, services.map(folderOf));
    for (const service of services) {
      if (touched.includes(folderOf(service))) this.pending.set(service.key, { commit: newCommit.commit, isClaimed: false });
    }
    this.deliverPending();
  }

  private deliverPending(): void {
    for (const key of this.pending.keys()) void this.deliver(key);
  }

  /** Delivers the pending commit of a service, unless an earlier delivery is still starting. */
  private async deliver(key: string): Promise<void> {
    const pending = this.pending.get(key);
    const service = this.store.state.services.find((candidate) => candidate.key === key);
    if (!pending || pending.missing !== undefined || !service || service.starting || this.busy.has(key)) return;
    this.busy.add(key);
    try {
      pending.isClaimed ||= claimCommit(service.home, service.name, pending.commit);
      pending.missing = pending.isClaimed ? await this.missing.of(service) : undefined;
      if (pending.missing !== undefined) return this.setWaiting(service, { commit: pending.commit, reason: pending.missing });
      if (this.pending.get(key) !== pending) return; // a newer commit was found
      this.pending.delete(key);
      this.setWaiting(service, undefined);
      if (pending.isClaimed) await this.deliveries.deliverAutomatically(service, pending.commit);
    } catch (error) {
      this.pending.delete(key);
      this.notifications.showFailure(`Could not deliver ${service.name}`, messageOf(error));
    } finally {
      this.busy.delete(key);
      if (this.pending.has(key) && this.pending.get(key) !== pending) void this.deliver(key);
    }
  }

  private setWaiting({ key }: Service, waiting: AutoDeliveryState['waiting']): void {
    const service = this.store.state.services.find((candidate) => candidate.key === key);
    if (!service?.autoDelivery) return;
    const { on, waiting: before } = service.autoDelivery;
    if (before?.commit === waiting?.commit && before?.reason === waiting?.reason) return;
    this.store.annotate(service, { autoDelivery: { on, waiting } });
  }
}

/** Offers to set the missing secrets of an automatic delivery: once, not for every commit. */
class MissingSecrets {
  /** By service key: the last offer. */
  private readonly offers = new Map<string, string>();

  constructor(private readonly secrets: SecretStore) {}

  /** Returns a reason such as `the secret NPM_TOKEN is not set`, or undefined if all secrets are set. */
  async of(service: Service): Promise<string | undefined> {
    const { missing } = await this.secrets.known(service);
    if (missing.length === 0) {
      this.offers.delete(service.key);
      return undefined;
    }
    const reason = missing.length === 1 ? `the secret ${missing[0]} is not set` : `the secrets ${missing.join(', ')} are not set`;
    if (this.offers.get(service.key) !== reason) void this.offer(service, reason);
    return reason;
  }

  private async offer(service: Service, reason: string): Promise<void> {
    this.offers.set(service.key, reason);
    const set = 'Set Secret…';
    const answer = await vscode.window.showWarningMessage(`${service.name}: automatic delivery is paused, because ${reason}.`, set);
    if (answer === set) await this.secrets.promptForMissing(service);
  }
}
