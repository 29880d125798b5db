import * as vscode from 'vscode';
import { crowd } from '../../core/feedback/format';
import { itemKey, kindWords } from './change-rows';
import type { FeedbackStore, FoundItem } from './feedback-store';
import { story } from './feedback-story';
import { outsideText, webLink } from '../app/outside-text';
import type { EditorPlace } from '../failures/problem-places';
import type { CommandTarget } from '../tree/row';
import { joined } from '../../core/support/format';

interface OpenThread {
  readonly thread: vscode.CommentThread;
  readonly subject: CommandTarget;
}

/** Feedback told beside its line, in the editor's own threads, opened on demand. */
export class FeedbackThreads implements vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController('deliver.feedback', 'Customer Feedback');
  private readonly threads = new Map<string, OpenThread>();
  private readonly stopListening: () => void;

  constructor(private readonly feedback: FeedbackStore) {
    this.controller.options = { prompt: 'Reply to the customer', placeHolder: 'The reply is sent to the source' };
    this.stopListening = feedback.changes.listen(() => this.refresh());
  }

  open(found: FoundItem, { uri, line = 0 }: EditorPlace): void {
    const key = keyOf(found);
    const range = new vscode.Range(line, 0, line, 0);
    const known = this.threads.get(key);
    if (known) {
      known.thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
      return;
    }
    const thread = this.controller.createCommentThread(uri, range, []);
    const subject = { service: found.service.key, item: found.placed.item.id, source: found.placed.source };
    this.threads.set(key, { thread, subject });
    thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
    tell(thread, found);
  }

  /** What a command that was called from a thread is about. */
  subjectOf(thread: vscode.CommentThread): CommandTarget | undefined {
    return [...this.threads.values()].find((open) => open.thread === thread)?.subject;
  }

  close(subject: CommandTarget): void {
    for (const [key, open] of this.threads) {
      if (open.subject.item !== subject.item || open.subject.source !== subject.source) continue;
      open.thread.dispose();
      this.threads.delete(key);
    }
  }

  dispose(): void {
    this.stopListening();
    this.controller.dispose();
  }

  private refresh(): void {
    for (const { thread, subject } of this.threads.values()) {
      const found = this.feedback.find(subject);
      if (found) tell(thread, found);
      // It was closed where it came from.
      else this.close(subject);
    }
  }
}

function tell(thread: vscode.CommentThread, { placed, inbox }: FoundItem): void {
  const { item } = placed;
  const { resolve, assignToMe, reply } = inbox.source.actions;
  const [title = '', ...paragraphs] = story(placed, Date.now());
  const body = outsideText(title, ...paragraphs);
  if (item.url !== undefined) body.appendMarkdown(`\n\n${webLink('Open in the Browser', item.url)}`);
  // The editor writes a label as HTML would be written: no text from outside goes there.
  thread.label = joined([kindWords[item.kind], crowd(item)]);
  thread.canReply = reply !== undefined;
  const contextValues = [resolve && 'resolve', assignToMe && 'assign', reply && 'reply'].filter((trait) => trait !== undefined);
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
