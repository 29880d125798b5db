import * as vscode from 'vscode';
import { git } from '../../core/git/git';
import type { Result } from '../../core/model/result';
import type { CommittedDocuments } from '../failures/committed-documents';
import type { FeedbackStore, FoundItem } from './feedback-store';
import { feedbackPlace } from './feedback-place';
import { story } from './feedback-story';
import type { FeedbackThreads } from './feedback-threads';
import type { HostTokens } from '../app/host-tokens';
import type { ProblemPlaces } from '../failures/problem-places';
import type { CommandTarget } from '../tree/row';
import { shortCommit } from '../app/format';

export interface FeedbackParts {
  readonly feedback: FeedbackStore;
  readonly threads: FeedbackThreads;
  readonly tokens: HostTokens;
  readonly places: ProblemPlaces;
  readonly documents: CommittedDocuments;
}

/** What can be done with feedback and with the changes that it is about. */
export class FeedbackActions {
  constructor(private readonly parts: FeedbackParts) {}

  /** Its line with its story beside it; where no line is meant, the file, or the story alone. */
  async open(subject: CommandTarget): Promise<void> {
    const found = this.found(subject);
    if (!found) return;
    this.parts.feedback.read([found.placed]);
    const shown = await this.showPlace(found);
    if (!shown) await this.showStory(found);
  }

  /** All that a change changed, as a comparison. */
  async openChange({ service: key, change: commit }: CommandTarget): Promise<void> {
    const news = this.parts.feedback.news.find(({ service }) => service.key === key);
    const change = news?.feedback?.recent.changes.find((candidate) => candidate.commit === commit);
    if (!news || !change) return;
    this.parts.feedback.read(news.feedback?.items.filter((item) => item.change?.commit === commit) ?? []);
    const files = change.files.map((file) => ({ path: file.path, before: file.pathBefore ?? file.path }));
    await this.parts.documents.compare(news.service, change, files);
  }

  async openInBrowser({ url }: CommandTarget): Promise<void> {
    if (url !== undefined && /^https?:\/\//.test(url)) await vscode.env.openExternal(vscode.Uri.parse(url, true));
  }

  async resolve(subject: CommandTarget): Promise<void> {
    const found = this.found(subject);
    const { resolve } = found?.inbox.source.actions ?? {};
    if (found && resolve) await this.act(found, 'Resolving', async () => resolve(found.placed.item));
  }

  async assignToMe(subject: CommandTarget): Promise<void> {
    const found = this.found(subject);
    const { assignToMe } = found?.inbox.source.actions ?? {};
    if (found && assignToMe) await this.act(found, 'Assigning', async () => assignToMe(found.placed.item));
  }

  /** Asks for the text where none is given. */
  async reply(subject: CommandTarget, given?: string): Promise<void> {
    const found = this.found(subject);
    const { reply } = found?.inbox.source.actions ?? {};
    if (!found || !reply) return;
    const text =
      given ??
      (await vscode.window.showInputBox({ title: 'Reply to the customer', prompt: found.placed.item.title, ignoreFocusOut: true }));
    if (text === undefined || text.trim() === '') return;
    await this.act(found, 'Replying', async () => reply(found.placed.item, text));
  }

  /** Opens the place and offers a branch that is named after the item. */
  async fix(subject: CommandTarget): Promise<void> {
    const found = this.found(subject);
    if (!found) return;
    this.parts.feedback.read([found.placed]);
    if (!(await this.showPlace(found))) await this.showStory(found);
    const branch = await vscode.window.showInputBox({
      title: 'Fix This',
      prompt: `A new branch for it, or Escape to stay on this one. A commit whose message names ${nameOf(found)} is its fix.`,
      value: branchName(found),
      validateInput: (value) =>
        /^(?!.*(\.\.|@\{|\/\/))[\w][\w./-]*(?<![./])$/.test(value) ? undefined : 'Letters, digits, dots, dashes and slashes.',
    });
    proposeMessage(found);
    if (branch === undefined) return;
    const switched = await git({ folder: found.service.root }, (client) => client.checkoutLocalBranch(branch));
    if (!switched.ok) void vscode.window.showErrorMessage(switched.failure.message);
  }

  async setToken(subject: CommandTarget): Promise<void> {
    const source = this.parts.feedback.inbox(subject)?.source;
    const chosen = source?.host === undefined ? await this.pickSource() : source;
    if (chosen?.host === undefined || chosen.kind === 'file' || !(await this.parts.tokens.ask(chosen.kind, chosen.host))) return;
    await this.parts.feedback.askAgain();
  }

  async refresh(): Promise<void> {
    await vscode.window.withProgress({ location: { viewId: 'deliver.changes' } }, async () => this.parts.feedback.askAgain());
  }

  markAllRead(): void {
    this.parts.feedback.read(this.parts.feedback.news.flatMap(({ feedback }) => feedback?.items ?? []));
  }

  async poll(on: boolean): Promise<void> {
    await vscode.workspace.getConfiguration('deliver.feedback').update('poll', on, vscode.ConfigurationTarget.Workspace);
  }

  /** The thread beside the code; the feedback itself stays open. */
  close(subject: CommandTarget): void {
    this.parts.threads.close(subject);
  }

  subjectOf(thread: vscode.CommentThread): CommandTarget | undefined {
    return this.parts.threads.subjectOf(thread);
  }

  private found(subject: CommandTarget): FoundItem | undefined {
    const found = this.parts.feedback.find(subject);
    if (!found) void vscode.window.showInformationMessage('This feedback is no longer there: it was closed where it came from.');
    return found;
  }

  private async showPlace(found: FoundItem): Promise<boolean> {
    const now = await feedbackPlace(this.parts.places, found.service, found.placed);
    if (!now) return false;
    const at = new vscode.Position(now.line ?? 0, 0);
    await vscode.window.showTextDocument(now.uri, { selection: new vscode.Range(at, at) });
    this.parts.threads.open(found, now);
    return true;
  }

  private async showStory({ placed }: FoundItem): Promise<void> {
    const content = story(placed, Date.now()).join('\n\n');
    const document = await vscode.workspace.openTextDocument({ content: `${content}\n`, language: 'plaintext' });
    await vscode.window.showTextDocument(document, { preview: true });
  }

  private async act(found: FoundItem, what: string, does: () => Promise<Result<string>>): Promise<void> {
    const title = `${what}: ${found.placed.item.title}`;
    const answer = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, does);
    if (answer.ok) {
      void vscode.window.showInformationMessage(answer.value);
      await this.parts.feedback.askAgain(found.inbox);
      return;
    }
    const { message, hint } = answer.failure;
    const setToken = 'Set the Token';
    const offers = found.inbox.source.host === undefined ? [] : [setToken];
    const pressed = await vscode.window.showErrorMessage([message, hint].filter((part) => part !== undefined).join('. '), ...offers);
    if (pressed === setToken) await this.setToken({ service: found.service.key, source: found.placed.source });
  }

  private async pickSource(): Promise<FoundItem['inbox']['source'] | undefined> {
    const sources = this.parts.feedback.sources.filter(({ host }) => host !== undefined);
    if (sources.length === 0) {
      void vscode.window.showInformationMessage('No source of feedback in delivery.yaml takes a token.');
      return undefined;
    }
    const items = sources.map((source) => ({ label: source.name, description: source.host ?? '', source }));
    return (await vscode.window.showQuickPick(items, { title: 'Token for Feedback', placeHolder: 'For which source?' }))?.source;
  }
}

/** How a commit's message names an item. */
function nameOf({ placed: { item } }: FoundItem): string {
  return item.reference ?? item.id;
}

function branchName(found: FoundItem): string {
  const words = `${nameOf(found)} ${found.placed.item.title}`
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return `fix/${words.slice(0, 50).replace(/^-|-$/g, '')}`;
}

/** The part of the editor's git extension that is used here. */
interface GitExtension {
  getAPI(version: 1): { getRepository(uri: vscode.Uri): { readonly inputBox: { value: string } } | null };
}

/** A message that names the item, where none is written yet: so its delivery is known as the fix. */
function proposeMessage(found: FoundItem): void {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  const input = extension?.isActive ? extension.exports.getAPI(1).getRepository(vscode.Uri.file(found.service.root))?.inputBox : undefined;
  const { running, item } = found.placed;
  const delivered = running && !('unknown' in running) ? ` (said of ${shortCommit(running.commit)})` : '';
  if (input?.value === '') input.value = `Fix “${item.title}”\n\nFeedback: ${nameOf(found)}${delivered}`;
}
