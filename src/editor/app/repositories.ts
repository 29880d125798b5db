import * as vscode from 'vscode';
import { git } from '../../core/git/git';
import { valueOf } from '../../core/model/result';
import { PlacesNow } from '../../core/location/places-now';
import { openRepository, type Repository } from '../../core/git/repository';
import type { Service } from './state';

/** A repository of the window, with what is remembered of the places in it. */
export interface OpenedRepository {
  readonly repository: Repository;
  readonly places: PlacesNow;
  /** Who commits here. */
  readonly email: string | undefined;
}

/** The repositories of the window's services, opened when first asked for. Runs git: not for a folder that is not trusted. */
export class Repositories implements vscode.Disposable {
  private readonly opened = new Map<string, Promise<OpenedRepository | undefined>>();
  private readonly events: vscode.Disposable;

  constructor() {
    // A file may have been moved without git knowing.
    const forget = (): void => void this.forgetNames();
    this.events = vscode.Disposable.from(
      vscode.workspace.onDidRenameFiles(forget),
      vscode.workspace.onDidCreateFiles(forget),
      vscode.workspace.onDidDeleteFiles(forget),
    );
  }

  async of(service: Service): Promise<OpenedRepository | undefined> {
    const known = this.opened.get(service.root) ?? open(service);
    this.opened.set(service.root, known);
    return known;
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
