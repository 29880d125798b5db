import type { Api, JsonAnswer } from '../../../http/api';
import type { HttpFailure } from '../../../http/http-answer';
import { listOf, recordOf, textOf } from '../../../support/json-value';
import { readEvent, type EventDetails } from './sentry-event';
import type { SentryIssue } from './sentry-issue';

interface Known {
  readonly issues: Readonly<Record<string, { readonly stamp: string; readonly details: EventDetails }>>;
  /** Commits by release, newest first. */
  readonly releases: Readonly<Record<string, readonly string[]>>;
}

const mostEvents = 25;
const mostReleases = 5;
const mostCommits = 10;
const mostKnownReleases = 50;

/** What is known of issues beyond their list: asked for one by one, a bounded number each time, and only what is new. */
export class SentryDetails {
  private readonly known: Known;
  /** Why not all could be asked for. */
  failure: HttpFailure | undefined;

  constructor(
    private readonly api: Api,
    private readonly organization: string,
    remembered: string | undefined,
  ) {
    this.known = parsed(remembered);
  }

  /** The details of those that have some, by the id of the issue, and what is to be remembered of it all. */
  async of(issues: readonly SentryIssue[], signal: AbortSignal): Promise<{ details: Map<string, EventDetails>; remember: string }> {
    const events = await this.events(issues, signal);
    const releases = await this.releases(
      [...events.values()].flatMap(({ details }) => details.release ?? []),
      signal,
    );
    const details = new Map([...events].map(([id, one]) => [id, withCommits(one.details, releases)]));
    const known: Known = { issues: Object.fromEntries(events), releases: Object.fromEntries(releases) };
    return { details, remember: JSON.stringify(known) };
  }

  private async events(issues: readonly SentryIssue[], signal: AbortSignal): Promise<Map<string, Known['issues'][string]>> {
    const events = new Map<string, Known['issues'][string]>();
    let asked = 0;
    for (const { id, stamp } of issues) {
      const known = Object.hasOwn(this.known.issues, id) ? this.known.issues[id] : undefined;
      if (known) events.set(id, known);
      if (known?.stamp === stamp || asked === mostEvents || this.isOver()) continue;
      asked++;
      const event = await this.event(id, signal);
      if (event.state === 'answered') events.set(id, { stamp, details: readEvent(event.value) });
      else {
        // Its events may be gone sooner than the issue.
        if (event.status !== 404) this.failure = event;
        // One that the server cannot tell does not keep it from telling the next.
        if (event.reason === 'answer') events.set(id, { stamp, details: known?.details ?? {} });
      }
    }
    return events;
  }

  /** Older servers know neither the best event nor the address below the organization. */
  private async event(id: string, signal: AbortSignal): Promise<JsonAnswer | HttpFailure> {
    const issue = encodeURIComponent(id);
    const best = await this.api.get(`/organizations/${encodeURIComponent(this.organization)}/issues/${issue}/events/recommended/`, signal);
    const isUnknown = best.state === 'failed' && [400, 404, 422].includes(best.status ?? 0);
    return isUnknown ? this.api.get(`/issues/${issue}/events/latest/`, signal) : best;
  }

  /** It would say the same again. */
  private isOver(): boolean {
    return this.failure !== undefined && this.failure.reason !== 'answer';
  }

  private async releases(versions: readonly string[], signal: AbortSignal): Promise<Map<string, readonly string[]>> {
    const commits = new Map<string, readonly string[]>();
    let asked = 0;
    for (const version of new Set(versions)) {
      if (commits.size === mostKnownReleases) break;
      const known = Object.hasOwn(this.known.releases, version) ? this.known.releases[version] : undefined;
      if (known) commits.set(version, known);
      // Many name the commit itself.
      if (known || asked === mostReleases || this.isOver() || /[0-9a-f]{40}/.test(version)) continue;
      asked++;
      const path = `/organizations/${encodeURIComponent(this.organization)}/releases/${encodeURIComponent(version)}/commits/`;
      const answer = await this.api.get(path, signal);
      if (answer.state === 'answered') commits.set(version, commitsOf(answer.value));
      else if (answer.status === 404 || answer.status === 403) commits.set(version, []);
      else this.failure = answer;
    }
    return commits;
  }
}

function commitsOf(value: unknown): string[] {
  return listOf(value)
    .slice(0, mostCommits)
    .flatMap((commit) => textOf(recordOf(commit)?.['id']) ?? []);
}

function withCommits(
  details: EventDetails,
  releases: ReadonlyMap<string, readonly string[]>,
): EventDetails & { releaseCommits?: readonly string[] } {
  const commits = details.release === undefined ? [] : (releases.get(details.release) ?? []);
  return commits.length === 0 ? details : { ...details, releaseCommits: commits };
}

/** What an earlier version remembered in another way is asked for again. */
function parsed(remembered: string | undefined): Known {
  try {
    const known = recordOf(JSON.parse(remembered ?? '{}'));
    const [issues, releases] = [recordOf(known?.['issues']), recordOf(known?.['releases'])];
    if (issues && releases) return { issues, releases } as Known;
  } catch {
    // as if nothing were known
  }
  return { issues: {}, releases: {} };
}
