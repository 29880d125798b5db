import * as vscode from 'vscode';
import { git } from '../../core/git/git';
import type { Result } from '../../core/model/result';
import { joined, shortCommit } from '../../core/support/format';
import type { HostTokens } from '../app/host-tokens';
import type { CommittedDocuments } from '../failures/committed-documents';
import type { ProblemPlaces } from '../failures/problem-places';
import type { CommandTarget } from '../tree/row';
import { currentPlace, type FeedbackStore, type FoundItem } from './feedback-store';
import { itemDetails, type FeedbackThreads } from './feedback-threads';

export interface FeedbackParts {
  readonly feedback: FeedbackStore;
  readonly threads: FeedbackThreads;
  readonly tokens: HostTokens;
  readonly places: ProblemPlaces;
  readonly documents: CommittedDocuments;
}

/** The commands on feedback items and recent changes. */
export class FeedbackActions {
  constructor(private readonly parts: FeedbackParts) {}

  /** Opens the item beside its line, or as a document if it has no place. */
  async open(target: CommandTarget): Promise<void> {
    const found = this.find(target);
    if (found) await this.show(found);
  }

  /** Shows the diff of a change. */
  async openChange({ service: key, change: commit }: CommandTarget): Promise<void> {
    const news = this.parts.feedback.news.find(({ service }) => service.key === key);
    const change = news?.feedback?.recent.changes.find((candidate) => candidate.commit === commit);
    if (!news || !change) return;
    this.parts.feedback.markRead(news.feedback?.items.filter((item) => item.change?.commit === commit) ?? []);
    const files = change.files.map((file) => ({ path: file.path, before: file.pathBefore ?? file.path }));
    await this.parts.documents.compare(news.service, change, files);
  }

  async openInBrowser({ url }: CommandTarget): Promise<void> {
    if (url !== undefined && /^https?:\/\//.test(url)) await vscode.env.openExternal(vscode.Uri.parse(url, true));
  }

  async resolve(target: CommandTarget): Promise<void> {
    const found = this.find(target);
    const { resolve } = found?.inbox.source.actions ?? {};
    if (found && resolve) await this.run(found, 'Resolving', async () => resolve(found.placed.item));
  }

  async assignToMe(target: CommandTarget): Promise<void> {
    const found = this.find(target);
    const { assignToMe } = found?.inbox.source.actions ?? {};
    if (found && assignToMe) await this.run(found, 'Assigning', async () => assignToMe(found.placed.item));
  }

  /** Prompts for the text if none is given. */
  async reply(target: CommandTarget, given?: string): Promise<void> {
    const found = this.find(target);
    const { reply } = found?.inbox.source.actions ?? {};
    if (!found || !reply) return;
    const text =
      given ??
      (await vscode.window.showInputBox({ title: 'Reply to the Customer', prompt: found.placed.item.title, ignoreFocusOut: true }));
    if (text === undefined || text.trim() === '') return;
    await this.run(found, 'Replying', async () => reply(found.placed.item, text));
  }

  /** Opens the item, offers to create a branch for its fix, and proposes a commit message. */
  async fix(target: CommandTarget): Promise<void> {
    const found = this.find(target);
    if (!found) return;
    await this.show(found);
    const branch = await pickBranch(found);
    proposeMessage(found);
    if (branch === undefined) return;
    const switched = await git({ folder: found.service.root }, (client) => client.checkoutLocalBranch(branch));
    if (!switched.ok) void vscode.window.showErrorMessage(switched.failure.message);
  }

  async setToken(target: CommandTarget): Promise<void> {
    const clicked = this.parts.feedback.inbox(target)?.source;
    const source = clicked?.host === undefined ? await this.pickSource() : clicked;
    if (source?.host === undefined || !(await this.parts.tokens.prompt(source.kind, source.host))) return;
    await this.parts.feedback.refreshNow();
  }

  async refresh(): Promise<void> {
    await vscode.window.withProgress({ location: { viewId: 'deliver.changes' } }, async () => this.parts.feedback.refreshNow());
  }

  markAllRead(): void {
    this.parts.feedback.markRead(this.parts.feedback.news.flatMap(({ feedback }) => feedback?.items ?? []));
  }

  async poll(on: boolean): Promise<void> {
    await vscode.workspace.getConfiguration('deliver.feedback').update('poll', on, vscode.ConfigurationTarget.Global);
  }

  /** Closes the thread in the editor. The item stays open. */
  close(target: CommandTarget): void {
    this.parts.threads.close(target);
  }

  targetOf(thread: vscode.CommentThread): CommandTarget | undefined {
    return this.parts.threads.targetOf(thread);
  }

  private find(target: CommandTarget): FoundItem | undefined {
    const found = this.parts.feedback.find(target);
    if (!found) void vscode.window.showInformationMessage('This feedback item was closed at its source.');
    return found;
  }

  private async show(found: FoundItem): Promise<void> {
    this.parts.feedback.markRead([found.placed]);
    const place = await currentPlace(this.parts.places, found.service, found.placed);
    if (!place) return this.showDetails(found);
    const position = new vscode.Position(place.line ?? 0, 0);
    await vscode.window.showTextDocument(place.uri, { selection: new vscode.Range(position, position) });
    this.parts.threads.open(found, place);
  }

  private async showDetails({ placed }: FoundItem): Promise<void> {
    const content = itemDetails(placed, Date.now()).join('\n\n');
    const document = await vscode.workspace.openTextDocument({ content: `${content}\n`, language: 'plaintext' });
    await vscode.window.showTextDocument(document, { preview: true });
  }

  private async run(found: FoundItem, verb: string, action: () => Promise<Result<string>>): Promise<void> {
    const title = `${verb}: ${found.placed.item.title}`;
    const result = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, action);
    if (result.ok) {
      void vscode.window.showInformationMessage(result.value);
      await this.parts.feedback.refreshNow(found.inbox);
      return;
    }
    const setToken = 'Set Token…';
    const buttons = found.inbox.source.host === undefined ? [] : [setToken];
    const answer = await vscode.window.showErrorMessage(joined([result.failure.message, result.failure.hint], '. '), ...buttons);
    if (answer === setToken) await this.setToken({ service: found.service.key, source: found.placed.source });
  }

  private async pickSource(): Promise<FoundItem['inbox']['source'] | undefined> {
    const sources = this.parts.feedback.sources.filter(({ host }) => host !== undefined);
    if (sources.length === 0) {
      void vscode.window.showInformationMessage('No feedback source in delivery.yaml uses a token.');
      return undefined;
    }
    const items = sources.map((source) => ({ label: source.name, description: source.host ?? '', source }));
    return (await vscode.window.showQuickPick(items, { title: 'Set Feedback Token', placeHolder: 'Select a source' }))?.source;
  }
}

const create = 'Create branch';
const stay = 'Stay on this branch';
const isBranchName = (name: string): boolean => /^(?!.*(\.\.|@\{|\/\/))[\w][\w./-]*(?<![./])$/.test(name);

/** Returns the name of a new branch, or undefined to stay on the current one. The name can be edited in the quick pick. */
async function pickBranch(found: FoundItem): Promise<string | undefined> {
  const pick = vscode.window.createQuickPick();
  const update = (): void => {
    const name = pick.value.trim();
    const detail = `A commit whose message contains ${nameOf(found)} is its fix`;
    pick.items = [
      { label: create, description: isBranchName(name) ? name : 'Use letters, digits, dots, dashes and slashes', detail, alwaysShow: true },
      { label: stay, alwaysShow: true },
    ];
  };
  pick.title = 'Fix This';
  pick.placeholder = 'Name of the new branch';
  pick.value = branchName(found);
  update();
  pick.onDidChangeValue(update);
  try {
    return await new Promise((resolve) => {
      pick.onDidAccept(() => {
        const [item] = pick.selectedItems;
        const name = pick.value.trim();
        if (item?.label === stay) resolve(undefined);
        else if (isBranchName(name)) resolve(name);
      });
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
  } finally {
    pick.dispose();
  }
}

/** Returns the text by which a commit message refers to an item. */
function nameOf({ placed: { item } }: FoundItem): string {
  return item.reference ?? item.id;
}

function branchName(found: FoundItem): string {
  const text = `${nameOf(found)} ${found.placed.item.title}`
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return `fix/${text.slice(0, 50).replace(/^-|-$/g, '')}`;
}

/** The part of the git extension's interface that is used here. */
interface GitExtension {
  getAPI(version: 1): { getRepository(uri: vscode.Uri): { readonly inputBox: { value: string } } | null };
}

/** Proposes a commit message that refers to the item, so that the commit is recognized as its fix. Keeps a message that is not empty. */
function proposeMessage(found: FoundItem): void {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  const input = extension?.isActive ? extension.exports.getAPI(1).getRepository(vscode.Uri.file(found.service.root))?.inputBox : undefined;
  const { running, item } = found.placed;
  const release = running && !('unknown' in running) ? ` (release ${shortCommit(running.commit)})` : '';
  if (input?.value === '') input.value = `Fix “${item.title}”\n\nFeedback: ${nameOf(found)}${release}`;
}
