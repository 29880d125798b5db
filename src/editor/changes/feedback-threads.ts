import * as vscode from 'vscode';
import { changeWords, confidenceWords, crowd } from '../../core/feedback/format';
import { lastOf } from '../../core/feedback/inbox';
import type { PlacedItem } from '../../core/feedback/placed-item';
import { age, joined, shortCommit } from '../../core/support/format';
import type { EditorPlace } from '../failures/problem-places';
import type { CommandTarget } from '../tree/row';
import { fixText, itemKey, kindLabels } from './change-rows';
import type { FeedbackStore, FoundItem } from './feedback-store';

interface OpenThread {
  readonly thread: vscode.CommentThread;
  readonly target: CommandTarget;
}

/** Shows feedback items as comment threads beside their lines, on request. */
export class FeedbackThreads implements vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController('deliver.feedback', 'Customer Feedback');
  private readonly threads = new Map<string, OpenThread>();
  private readonly stopListening: () => void;

  constructor(private readonly feedback: FeedbackStore) {
    this.controller.options = { prompt: 'Reply to the customer', placeHolder: 'The reply is sent to the source' };
    this.stopListening = feedback.changed.listen(() => this.refresh());
  }

  open(found: FoundItem, { uri, line = 0 }: EditorPlace): void {
    const key = keyOf(found);
    const known = this.threads.get(key);
    if (known) {
      known.thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
      return;
    }
    const thread = this.controller.createCommentThread(uri, new vscode.Range(line, 0, line, 0), []);
    const target = { service: found.service.key, item: found.placed.item.id, source: found.placed.source };
    this.threads.set(key, { thread, target });
    thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
    update(thread, found);
  }

  /** Returns the target of a command that was called from a thread. */
  targetOf(thread: vscode.CommentThread): CommandTarget | undefined {
    return [...this.threads.values()].find((open) => open.thread === thread)?.target;
  }

  close(target: CommandTarget): void {
    for (const [key, open] of this.threads) {
      if (open.target.item !== target.item || open.target.source !== target.source) continue;
      open.thread.dispose();
      this.threads.delete(key);
    }
  }

  dispose(): void {
    this.stopListening();
    this.controller.dispose();
  }

  private refresh(): void {
    for (const { thread, target } of this.threads.values()) {
      const found = this.feedback.find(target);
      if (found) update(thread, found);
      // The item was closed at its source.
      else this.close(target);
    }
  }
}

function update(thread: vscode.CommentThread, { placed, inbox }: FoundItem): void {
  const { item } = placed;
  const { resolve, assignToMe, reply } = inbox.source.actions;
  const [title = '', ...paragraphs] = itemDetails(placed, Date.now());
  const body = untrustedText(title, ...paragraphs);
  if (item.url !== undefined) body.appendMarkdown(`\n\n${webLink('Open in Browser', item.url)}`);
  // VS Code escapes a label as HTML, so it contains no text from outside.
  thread.label = joined([kindLabels[item.kind], crowd(item)]);
  thread.canReply = reply !== undefined;
  const contextValues = [resolve && 'resolve', assignToMe && 'assign', reply && 'reply'].filter((value) => value !== undefined);
  thread.contextValue = ` ${['feedback', ...contextValues].join(' ')} `;
  thread.comments = [
    {
      author: { name: item.author ?? 'A customer' },
      body,
      mode: vscode.CommentMode.Preview,
      ...(item.undated ? {} : { timestamp: new Date(item.createdAt) }),
    },
  ];
}

function keyOf({ service, placed }: FoundItem): string {
  return `${service.key}\n${itemKey(placed)}`;
}

const maxFrames = 8;

/** Returns all details of an item as paragraphs of plain text: title, text, count, release, place, fix, stack and source. */
export function itemDetails(placed: PlacedItem, now: number): string[] {
  const { item, source, places, change } = placed;
  const [place] = places;
  const at = place && joined([joined([place.path, place.line?.toString()], ':'), confidenceWords(place)], ', ');
  return [
    item.title,
    item.body === item.title ? '' : (item.body ?? ''),
    joined([crowd(item), timeText(placed, now), releaseText(placed)]),
    joined([at, change && changeWords(change.by)]),
    fixText(placed, now) ?? '',
    (item.frames ?? [])
      .slice(0, maxFrames)
      .map(({ file, line, function: name }) =>
        joined([name === undefined ? undefined : `${name} at`, joined([file, line?.toString()], ':')], ' '),
      )
      .join('\n'),
    joined([
      source === item.environment ? undefined : `from ${source}`,
      item.author && `by ${item.author}`,
      item.assignee && `assigned to ${item.assignee}`,
    ]),
  ].filter((paragraph) => paragraph !== '');
}

function timeText({ item }: PlacedItem, now: number): string {
  if (item.undated) return `no date, received ${age(item.createdAt, now)}`;
  const [first, last] = [age(item.createdAt, now), age(lastOf(item), now)];
  return first === last ? first : `first ${first}, last ${last}`;
}

function releaseText({ item, running }: PlacedItem): string {
  if (!running) return 'release unknown';
  if ('unknown' in running) return `on release ${running.unknown}, which is not in this repository (try git fetch)`;
  const where = item.environment ?? running.delivery?.environment;
  const release = `on ${shortCommit(running.commit)}${where === undefined ? '' : ` in ${where}`}`;
  return running.by === 'time' ? `${release}, which was live at the time` : release;
}

/** Returns text from outside with the title in bold. Markup in the text has no effect. */
export function untrustedText(title: string, ...paragraphs: readonly (string | undefined)[]): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString('**').appendText(title).appendMarkdown('**');
  for (const paragraph of paragraphs)
    if (paragraph !== undefined && paragraph !== '') markdown.appendMarkdown('\n\n').appendText(paragraph);
  return markdown;
}

/** Returns a link to a web page. VS Code asks before it opens the link. */
function webLink(label: string, url: string): string {
  return `[${label}](<${new URL(url).href.replace(/[<>\\]/g, encodeURIComponent)}>)`;
}
