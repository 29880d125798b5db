import * as path from 'node:path';
import * as vscode from 'vscode';
import { findCiServiceByFile } from '../../core/ci/registry';
import { definitionName } from '../../core/model/pipeline';
import type { ManualApproval } from '../../core/pipeline/handovers';
import { Paced } from '../app/change-event';
import { folderInRepository } from '../app/git-folder';
import type { CommandTarget } from '../tree/row';
import type { Service } from '../app/state';
import type { Store } from '../app/store';

/** The manual handovers of the window's services: looked for when the Pipeline view is first seen, and again when a file of theirs is saved. */
export class ManualApprovals implements vscode.Disposable {
  /** A file that may hold one was saved. */
  private isStale = false;
  private readonly looking = new Set<string>();
  private readonly pace = new Paced(() => void this.look(), 500);
  private readonly saved: vscode.Disposable;

  constructor(
    private readonly store: Store,
    private readonly isSeen: () => boolean,
  ) {
    this.saved = vscode.workspace.onDidSaveTextDocument(({ uri }) => {
      if (uri.scheme !== 'file' || !mayHoldApproval(uri.fsPath.split(path.sep).join('/'))) return;
      this.isStale = true;
      this.update();
    });
  }

  /** Free while nobody looks, and once everything is known. */
  update(): void {
    if (vscode.workspace.isTrusted && this.isSeen() && this.unknown().length > 0) this.pace.ask();
  }

  /** Opens the file of one at its line. */
  async open({ service: key, place }: CommandTarget): Promise<void> {
    const service = this.store.state.services.find((candidate) => candidate.key === key);
    const handover = service?.handovers?.find((one) => `${one.path}:${one.line}` === place);
    if (!service || !handover) return;
    const document = await vscode.workspace.openTextDocument(path.join(service.root, handover.path));
    const line = document.lineAt(Math.min(handover.line, document.lineCount) - 1).range;
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(line.start, line.start) });
  }

  dispose(): void {
    this.pace.dispose();
    this.saved.dispose();
  }

  private unknown(): string[] {
    const unknown = this.store.state.services.filter(({ handovers }) => this.isStale || !handovers);
    return [...new Set(unknown.map(({ root }) => root))].filter((root) => !this.looking.has(root));
  }

  private async look(): Promise<void> {
    const roots = this.unknown();
    this.isStale = false;
    for (const root of roots) this.looking.add(root);
    const { findManualApprovals } = await import('../../core/pipeline/handovers');
    for (const root of roots) {
      const found = await findManualApprovals(root);
      this.looking.delete(root);
      const services = this.store.state.services.filter((service) => service.root === root);
      for (const service of services) this.store.note(service, { handovers: ofService(found, service, services) });
    }
  }
}

function mayHoldApproval(file: string): boolean {
  return path.posix.basename(file) === definitionName || findCiServiceByFile(file) !== undefined;
}

/** Those in its own folder, and those of the repository that lie in no service's. */
function ofService(all: readonly ManualApproval[], service: Service, services: readonly Service[]): ManualApproval[] {
  const inner = services.map(({ folder, root }) => ({ folder, at: folderInRepository(root, folder) }));
  return all.filter(({ path: file }) => {
    const owners = inner.filter(({ at }) => at === '' || file.startsWith(`${at}/`)).sort((a, b) => b.at.length - a.at.length);
    const [owner] = owners;
    return !owner || owner.folder === service.folder || (owner.at === '' && !file.endsWith('delivery.yaml'));
  });
}
