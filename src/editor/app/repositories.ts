import * as vscode from 'vscode';
import { git } from '../../core/git/git';
import { valueOf } from '../../core/model/result';
import { openRepository, type Repository } from '../../core/git/repository';
import { PlacesNow } from '../../core/location/places-now';
import type { Service } from './state';

export interface OpenedRepository {
  readonly repository: Repository;
  readonly places: PlacesNow;
  /** The email address of new commits. */
  readonly email: string | undefined;
}

/** The repositories of the window's services, opened on first use. None in Restricted Mode, because git could run the programs of a folder. */
export class Repositories implements vscode.Disposable {
  private readonly opened = new Map<string, Promise<OpenedRepository | undefined>>();
  private readonly events: vscode.Disposable;

  constructor() {
    // A moved file changes the path of a place before git sees the rename.
    const forget = (): void => void this.forgetNames();
    this.events = vscode.Disposable.from(
      vscode.workspace.onDidRenameFiles(forget),
      vscode.workspace.onDidCreateFiles(forget),
      vscode.workspace.onDidDeleteFiles(forget),
    );
  }

  async of(service: Service): Promise<OpenedRepository | undefined> {
    if (!vscode.workspace.isTrusted) return undefined;
    const opened = this.opened.get(service.root) ?? open(service);
    this.opened.set(service.root, opened);
    return opened;
  }

  dispose(): void {
    this.events.dispose();
  }

  private async forgetNames(): Promise<void> {
    for (const opened of this.opened.values()) (await opened)?.places.forgetNames();
  }
}

async function open(service: Service): Promise<OpenedRepository | undefined> {
  const [repository, email] = await Promise.all([
    openRepository(service.root),
    git({ folder: service.root }, (client) => client.getConfig('user.email')),
  ]);
  if (!repository.ok) return undefined;
  return { repository: repository.value, places: new PlacesNow(repository.value, service.home), email: valueOf(email)?.value?.trim() };
}
