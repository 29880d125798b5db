import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Inbox } from '../../core/feedback/inbox';
import type { PlacedItem } from '../../core/feedback/placed-item';
import type { FeedbackState, ServiceFeedback } from '../../core/feedback/service-feedback';
import type { FeedbackSource } from '../../core/feedback/source';
import { isFinished } from '../../core/model/run-state';
import type { Tokens } from '../../core/model/tokens';
import { ChangeEvent, Throttle } from '../app/change-event';
import type { Repositories } from '../app/repositories';
import type { Service, ServiceState } from '../app/state';
import type { Store } from '../app/store';
import type { EditorPlace, ProblemPlaces } from '../failures/problem-places';
import type { CommandTarget } from '../tree/row';
import { itemKey, type ServiceNews } from './change-rows';
import { FeedbackServices } from './feedback-services';

interface KnownFeedback {
  readonly state?: FeedbackState | undefined;
  readonly problem?: string | undefined;
  readonly mine: ReadonlySet<string>;
}

export interface FoundItem {
  readonly service: ServiceState;
  readonly placed: PlacedItem;
  readonly inbox: Inbox;
}

const dayMs = 86_400_000;
const none: ReadonlySet<string> = new Set();

/** The recent changes of the window's services and the feedback on them. Runs git: do not use it in a folder that is not trusted. */
export class FeedbackStore implements vscode.Disposable {
  readonly changed = new ChangeEvent();
  private readonly opened: FeedbackServices;
  private readonly known = new Map<string, KnownFeedback>();
  private readonly refreshing = new Throttle(() => void this.refresh(), 500);
  private readonly stop = new AbortController();
  private services: readonly ServiceState[] = [];
  private fingerprint = '';
  private isRefreshing = false;
  private isStale = false;

  constructor(
    private readonly store: Store,
    private readonly repositories: Repositories,
    tokens: Tokens,
    private readonly readItems: ReadItems,
    /** Returns true if a view or an editor shows the service. */
    private readonly isShown: (service: Service) => boolean,
  ) {
    this.opened = new FeedbackServices(repositories, tokens, () => this.refreshSoon());
  }

  get news(): ServiceNews[] {
    return this.services.map((service) => this.newsOf(service));
  }

  newsOf(service: ServiceState): ServiceNews {
    const { state, problem, mine = none } = this.known.get(service.key) ?? {};
    const since = new Date(Date.now() - recentWindow().days * dayMs).toISOString();
    const unread = state?.items.filter((placed) => placed.item.createdAt > since && !this.readItems.has(itemKey(placed))) ?? [];
    return {
      service,
      feedback: state,
      problem,
      mine,
      unread: new Set(unread.map(itemKey)),
      actions: new Map(this.opened.inboxes(service.key).map(({ source }) => [source.name, source.actions])),
    };
  }

  update(services: readonly ServiceState[]): void {
    this.services = services;
    for (const key of this.known.keys()) if (!services.some((service) => service.key === key)) this.known.delete(key);
    const fingerprint = services
      .map(({ key, runs }) =>
        [key, ...runs.filter(({ outcome }) => isFinished(outcome)).map(({ id, outcome }) => `${id} ${outcome}`)].join(),
      )
      .join('\n');
    if (fingerprint === this.fingerprint) return;
    this.fingerprint = fingerprint;
    this.refreshSoon();
  }

  /** Reads changes and feedback again, if they are shown. */
  refreshSoon(): void {
    this.isStale = true;
    if (vscode.workspace.isTrusted && this.services.some((service) => this.isShown(service))) this.refreshing.schedule();
  }

  /** Polls the sources that were not polled within `maxAgeMs`. */
  async refreshOlderThan(maxAgeMs: number): Promise<void> {
    for (const service of this.services) await this.opened.open(service);
    await this.refreshInboxes(this.opened.inboxes(), maxAgeMs);
  }

  /** Polls one source, or all, even if they were polled recently. */
  async refreshNow(only?: Inbox): Promise<void> {
    for (const inbox of only ? [only] : this.opened.inboxes()) inbox.forgetAge();
    await this.refreshOlderThan(only ? 60_000 : 0);
  }

  async refreshFiles(): Promise<void> {
    const files = this.opened.inboxes().filter(({ source }) => source.watches !== undefined);
    await this.refreshInboxes(files, 0);
  }

  get sources(): FeedbackSource[] {
    return this.opened.inboxes().map(({ source }) => source);
  }

  /** The files of sources. */
  get watchedFiles(): string[] {
    return this.sources.flatMap(({ watches }) => watches ?? []);
  }

  find({ service: key, source, item: id }: CommandTarget): FoundItem | undefined {
    const service = this.services.find((candidate) => candidate.key === key);
    const items = service && this.known.get(service.key)?.state?.items;
    const placed = items?.find((candidate) => candidate.item.id === id && candidate.source === source);
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

  markRead(items: readonly Pick<PlacedItem, 'source' | 'item'>[]): void {
    if (this.readItems.add(items.map(itemKey))) this.changed.fire();
  }

  dispose(): void {
    this.stop.abort();
    this.refreshing.dispose();
    this.opened.dispose();
  }

  private async refreshInboxes(inboxes: readonly Inbox[], maxAgeMs: number): Promise<void> {
    const isChanged = await Promise.all(
      inboxes.map(async (inbox) => {
        const before = inbox.state();
        return (await inbox.refresh(maxAgeMs, this.stop.signal)) !== before;
      }),
    );
    if (isChanged.includes(true)) this.refreshSoon();
  }

  private async refresh(): Promise<void> {
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    try {
      while (this.isStale) {
        this.isStale = false;
        for (const service of this.services) if (this.isShown(service)) this.known.set(service.key, await this.read(service));
        this.changed.fire();
      }
    } finally {
      this.isRefreshing = false;
    }
  }

  private async read(service: ServiceState): Promise<KnownFeedback> {
    const [opened, repository] = await Promise.all([this.opened.open(service), this.repositories.of(service)]);
    if (typeof opened === 'string') return { mine: none, problem: opened };
    const state = await opened.state(this.store.runsOf(service), recentWindow());
    if (!state.ok) return { mine: none, ...this.known.get(service.key), problem: state.failure.message };
    const mine = state.value.recent.changes.filter(({ email }) => email === repository?.email);
    return { state: state.value, mine: new Set(mine.map(({ commit }) => commit)) };
  }
}

/** Returns how far back a change is recent. */
function recentWindow(): { readonly deliveries: number; readonly days: number } {
  const settings = vscode.workspace.getConfiguration('deliver.recent');
  return { deliveries: Math.max(1, settings.get('deliveries', 5)), days: Math.max(1, settings.get('days', 14)) };
}

const readItemsKey = 'seenFeedback';
const maxReadItems = 5_000;

/** The feedback items that were read in this workspace. */
export class ReadItems {
  private readonly keys: Set<string>;

  constructor(private readonly memento: vscode.Memento) {
    this.keys = new Set(memento.get<string[]>(readItemsKey, []));
  }

  has(key: string): boolean {
    return this.keys.has(key);
  }

  /** Returns true if any of the items was unread. */
  add(keys: readonly string[]): boolean {
    const before = this.keys.size;
    for (const key of keys) this.keys.add(key);
    if (this.keys.size === before) return false;
    void this.memento.update(readItemsKey, [...this.keys].slice(-maxReadItems));
    return true;
  }
}

/** Returns the current place of a feedback item in the window's files, including unsaved edits. */
export async function currentPlace(
  problemPlaces: ProblemPlaces,
  service: Service,
  { places, running }: PlacedItem,
): Promise<EditorPlace | undefined> {
  const [place] = places;
  if (!place || !running || 'unknown' in running) return undefined;
  if (place.delivered.line !== undefined) return problemPlaces.locate(service, running.commit, place.delivered);
  const uri = vscode.Uri.file(path.join(service.root, place.path));
  return place.line === undefined ? { uri, confidence: 'file' } : { uri, line: place.line - 1, confidence: 'approximate' };
}
