import * as vscode from 'vscode';
import type { PlacedItem } from '../../core/feedback/placed-item';
import type { Inbox } from '../../core/feedback/inbox';
import type { FeedbackState, ServiceFeedback } from '../../core/feedback/service-feedback';
import type { FeedbackSource } from '../../core/feedback/source';
import type { Tokens } from '../../core/model/tokens';
import { isFinished } from '../../core/model/run-state';
import { Changes, Paced } from '../app/change-event';
import { itemKey } from './change-rows';
import { FeedbackServices } from './feedback-services';
import type { ServiceNews } from './feedback-news';
import type { lazyParser } from '../pipeline/parser';
import type { Repositories } from '../app/repositories';
import type { CommandTarget } from '../tree/row';
import type { SeenItems } from './seen-items';
import type { Service, ServiceState } from '../app/state';
import type { Store } from '../app/store';

interface Known {
  readonly state?: FeedbackState;
  readonly problem?: string;
  readonly mine: ReadonlySet<string>;
}

/** An item of feedback as it is known in this window. */
export interface FoundItem {
  readonly service: ServiceState;
  readonly placed: PlacedItem;
  readonly inbox: Inbox;
}

const dayMs = 86_400_000;
const none: ReadonlySet<string> = new Set();

/** What was recently changed in the window's services and what customers say of it. Runs git: only where the folder is trusted. */
export class FeedbackStore implements vscode.Disposable {
  readonly changes = new Changes();
  private readonly opened: FeedbackServices;
  private readonly known = new Map<string, Known>();
  private readonly pace = new Paced(() => void this.work(), 500);
  private readonly stop = new AbortController();
  private services: readonly ServiceState[] = [];
  private stamp = '';
  private working = false;
  private isStale = false;

  constructor(
    private readonly store: Store,
    private readonly repositories: Repositories,
    parse: ReturnType<typeof lazyParser>,
    tokens: Tokens,
    private readonly seen: SeenItems,
    /** Whether anything is shown of a service at this moment. */
    private readonly isShown: (service: Service) => boolean,
  ) {
    this.opened = new FeedbackServices(repositories, parse, tokens, () => this.look());
  }

  get news(): ServiceNews[] {
    return this.services.map((service) => this.newsOf(service));
  }

  newsOf(service: ServiceState): ServiceNews {
    const { state, problem, mine = none } = this.known.get(service.key) ?? {};
    const since = new Date(Date.now() - recentWindow().days * dayMs).toISOString();
    const unread = state?.items.filter(({ item, ...rest }) => item.createdAt > since && !this.seen.has(itemKey({ item, ...rest }))) ?? [];
    return {
      service,
      ...(state && { feedback: state }),
      ...(problem !== undefined && { problem }),
      mine,
      unread: new Set(unread.map(itemKey)),
      actions: new Map(this.opened.inboxes(service.key).map(({ source }) => [source.name, source.actions])),
    };
  }

  /** The services of the window as they are now. */
  update(services: readonly ServiceState[]): void {
    this.services = services;
    for (const key of this.known.keys()) if (!services.some((service) => service.key === key)) this.known.delete(key);
    const stamp = services
      .map(({ key, runs }) =>
        [key, ...runs.filter(({ outcome }) => isFinished(outcome)).map(({ id, outcome }) => `${id} ${outcome}`)].join(),
      )
      .join('\n');
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    this.look();
  }

  /** Something may be different, or is looked at for the first time: free while nothing is shown. */
  look(): void {
    this.isStale = true;
    if (vscode.workspace.isTrusted && this.services.some((service) => this.isShown(service))) this.pace.ask();
  }

  /** Asks the sources of all services that were not asked within `maxAgeMs`. */
  async ask(maxAgeMs: number): Promise<void> {
    for (const service of this.services) await this.opened.open(service);
    await this.refreshAll(this.opened.inboxes(), maxAgeMs);
  }

  /** Asks at once, whatever was asked lately: one source, or all. */
  async askAgain(only?: Inbox): Promise<void> {
    for (const inbox of only ? [only] : this.opened.inboxes()) inbox.forgetAge();
    await this.ask(only ? 60_000 : 0);
  }

  get sources(): FeedbackSource[] {
    return this.opened.inboxes().map(({ source }) => source);
  }

  /** Reads the files among the sources again. */
  async askFiles(): Promise<void> {
    const files = this.opened.inboxes().filter(({ source }) => source.watches !== undefined);
    await this.refreshAll(files, 0);
  }

  /** The files that sources are read from. */
  get watched(): string[] {
    return this.sources.flatMap(({ watches }) => watches ?? []);
  }

  find({ service: key, source, item: id }: CommandTarget): FoundItem | undefined {
    const service = this.services.find((candidate) => candidate.key === key);
    const placed = service && this.known.get(service.key)?.state?.items.find(({ item, ...one }) => item.id === id && one.source === source);
    const inbox = service && this.opened.inboxes(service.key).find((candidate) => candidate.source.name === source);
    return placed && inbox && { service, placed, inbox };
  }

  inbox({ service, source }: CommandTarget): Inbox | undefined {
    return this.opened.inboxes(service ?? '').find((candidate) => candidate.source.name === source);
  }

  async feedbackOf(service: Service): Promise<ServiceFeedback | undefined> {
    const opened = await this.opened.open(service);
    return typeof opened === 'string' ? undefined : opened;
  }

  /** They were looked at. */
  read(items: readonly Pick<PlacedItem, 'source' | 'item'>[]): void {
    if (this.seen.add(items.map(itemKey))) this.changes.tell();
  }

  dispose(): void {
    this.stop.abort();
    this.pace.dispose();
    this.opened.dispose();
  }

  private async refreshAll(inboxes: readonly Inbox[], maxAgeMs: number): Promise<void> {
    const isNew = await Promise.all(
      inboxes.map(async (inbox) => {
        const before = inbox.state();
        return (await inbox.refresh(maxAgeMs, this.stop.signal)) !== before;
      }),
    );
    if (isNew.includes(true)) this.look();
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      while (this.isStale) {
        this.isStale = false;
        for (const service of this.services) if (this.isShown(service)) this.known.set(service.key, await this.knowledgeOf(service));
        this.changes.tell();
      }
    } finally {
      this.working = false;
    }
  }

  private async knowledgeOf(service: ServiceState): Promise<Known> {
    const [opened, repository] = await Promise.all([this.opened.open(service), this.repositories.of(service)]);
    if (typeof opened === 'string') return { mine: none, problem: opened };
    const state = await opened.state(this.store.runsOf(service), recentWindow());
    if (!state.ok) return { mine: none, ...this.known.get(service.key), problem: state.failure.message };
    const own = state.value.recent.changes.filter(({ email }) => email === repository?.email);
    return { state: state.value, mine: new Set(own.map(({ commit }) => commit)) };
  }
}

/** How far back a change is recent. */
export function recentWindow(): { readonly deliveries: number; readonly days: number } {
  const settings = vscode.workspace.getConfiguration('deliver.recent');
  return { deliveries: Math.max(1, settings.get('deliveries', 5)), days: Math.max(1, settings.get('days', 14)) };
}
