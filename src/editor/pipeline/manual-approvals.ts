import * as path from 'node:path';
import * as vscode from 'vscode';
import { findCiServiceByFile } from '../../core/ci/registry';
import { definitionName } from '../../core/model/pipeline';
import type { ManualApproval } from '../../core/pipeline/handovers';
import { Throttle } from '../app/change-event';
import { folderInRepository } from '../app/git-folder';
import type { Service } from '../app/state';
import type { Store } from '../app/store';
import type { CommandTarget } from '../tree/row';

/** Finds the manual handovers of the services: when the Pipeline view is first visible, and when a file that may contain one is saved. */
export class ManualApprovals implements vscode.Disposable {
  private isStale = false;
  private readonly rootsInSearch = new Set<string>();
  private readonly search = new Throttle(() => void this.findAll(), 500);
  private readonly saved: vscode.Disposable;

  constructor(
    private readonly store: Store,
    private readonly isVisible: () => boolean,
  ) {
    this.saved = vscode.workspace.onDidSaveTextDocument(({ uri }) => {
      if (uri.scheme !== 'file' || !mayContainApproval(uri.fsPath.split(path.sep).join('/'))) return;
      this.isStale = true;
      this.update();
    });
  }

  update(): void {
    if (vscode.workspace.isTrusted && this.isVisible() && this.rootsToSearch().length > 0) this.search.schedule();
  }

  /** Opens a manual handover in its file. */
  async open({ service: key, place }: CommandTarget): Promise<void> {
    const service = this.store.state.services.find((candidate) => candidate.key === key);
    const approval = service?.manualApprovals?.find((candidate) => `${candidate.path}:${candidate.line}` === place);
    if (!service || !approval) return;
    const document = await vscode.workspace.openTextDocument(path.join(service.root, approval.path));
    const { start } = document.lineAt(Math.min(approval.line, document.lineCount) - 1).range;
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(start, start) });
  }

  dispose(): void {
    this.search.dispose();
    this.saved.dispose();
  }

  private rootsToSearch(): string[] {
    const services = this.store.state.services.filter(({ manualApprovals }) => this.isStale || !manualApprovals);
    return [...new Set(services.map(({ root }) => root))].filter((root) => !this.rootsInSearch.has(root));
  }

  private async findAll(): Promise<void> {
    const roots = this.rootsToSearch();
    this.isStale = false;
    for (const root of roots) this.rootsInSearch.add(root);
    const { findManualApprovals } = await import('../../core/pipeline/handovers');
    for (const root of roots) {
      const found = await findManualApprovals(root);
      this.rootsInSearch.delete(root);
      const services = this.store.state.services.filter((service) => service.root === root);
      for (const service of services) this.store.annotate(service, { manualApprovals: ofService(found, service, services) });
    }
  }
}

function mayContainApproval(file: string): boolean {
  return path.posix.basename(file) === definitionName || findCiServiceByFile(file) !== undefined;
}

/** Returns the manual handovers in the service's folder, and those outside the folder of any service. */
function ofService(all: readonly ManualApproval[], service: Service, services: readonly Service[]): ManualApproval[] {
  const folders = services.map(({ folder, root }) => ({ folder, inRepository: folderInRepository(root, folder) }));
  return all.filter(({ path: file }) => {
    const [owner] = folders
      .filter(({ inRepository }) => inRepository === '' || file.startsWith(`${inRepository}/`))
      .sort((a, b) => b.inRepository.length - a.inRepository.length);
    return !owner || owner.folder === service.folder || (owner.inRepository === '' && !file.endsWith('delivery.yaml'));
  });
}
