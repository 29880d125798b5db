import * as vscode from 'vscode';
import type { Cli } from './cli';
import type { Subject } from './row';
import type { ServiceChoice } from './service-choice';
import type { Service, ServiceState } from './state';
import { isWithin, type Store } from './store';

/** Starts deliveries, as a process of their own. */
export class Deliveries {
  /** The runners that this window started. */
  private readonly mine = new Set<number>();

  constructor(
    private readonly cli: Cli,
    private readonly store: Store,
    private readonly choice: ServiceChoice,
    private readonly reveal: (subject: Subject) => Promise<void>,
  ) {}

  async deliver(subject: Subject): Promise<void> {
    const service = await this.choice.choose(subject, 'Deliver');
    if (service) await this.run(service, []);
  }

  private async run(service: ServiceState, more: readonly string[]): Promise<void> {
    await saveAll(service);
    this.store.begin(service);
    const started = this.cli.start(['run', '--service', service.name, ...more], service.folder);
    if (started.pid !== undefined) this.mine.add(started.pid);
    void this.reveal({ service: service.key });
    const end = await started.end;
    this.store.settled(service);
    if (end.code === 2 || end.code === 3 || end.code === undefined)
      void vscode.window.showErrorMessage(`Deliver could not start: ${end.complaint || 'the runner ended without a word'}`);
  }
}

async function saveAll(service: Service): Promise<void> {
  const dirty = vscode.workspace.textDocuments.filter((document) => document.isDirty && isWithin(service.root, document.uri.fsPath));
  await Promise.all(dirty.map((document) => document.save()));
}
