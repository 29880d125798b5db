import * as vscode from 'vscode';
import type { ProblemPlaces } from './problem-places';
import type { Service } from '../app/state';
import type { Store } from '../app/store';
import { shortCommit } from '../../core/support/format';

const scheme = 'deliver-file';

/** Read-only documents with files of a commit. The commit may be a snapshot, which only Deliver stores. */
export class CommittedDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);

  constructor(
    private readonly store: Store,
    private readonly places: ProblemPlaces,
  ) {}

  /** Returns the address of a file in a commit. Without a commit the document is empty. */
  uri(service: Service, commit: string | undefined, file: string): vscode.Uri {
    return vscode.Uri.from({ scheme, path: `/${file}`, query: JSON.stringify({ service: service.key, commit }) });
  }

  /** Shows the diff of a change. `path` is the file's name after the change, `before` its name before. */
  async compare(
    service: Service,
    change: { readonly commit: string; readonly parent?: string; readonly subject: string },
    files: readonly { readonly path: string; readonly before: string }[],
  ): Promise<void> {
    const pairs = files.map(({ path, before }): [vscode.Uri, vscode.Uri, vscode.Uri] => [
      vscode.Uri.joinPath(vscode.Uri.file(service.root), path),
      this.uri(service, change.parent, before),
      this.uri(service, change.commit, path),
    ]);
    const title = `${shortCommit(change.commit)} ${change.subject}`;
    const [only] = pairs;
    if (only && pairs.length === 1) await vscode.commands.executeCommand('vscode.diff', only[1], only[2], title);
    else await vscode.commands.executeCommand('vscode.changes', title, pairs);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { service: key, commit } = JSON.parse(uri.query) as { service: string; commit?: string };
    const service = this.store.state.services.find((candidate) => candidate.key === key);
    if (!service || commit === undefined || !vscode.workspace.isTrusted) return '';
    return (await this.places.textAt(service, commit, uri.path.slice(1))) ?? '';
  }

  dispose(): void {
    this.registration.dispose();
  }
}
