import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Inbox } from '../../core/feedback/inbox';
import type { ServiceFeedback } from '../../core/feedback/service-feedback';
import { blobId } from '../../core/git/working-files';
import { messageOf } from '../../core/model/result';
import type { Tokens } from '../../core/model/tokens';
import { KnownPipelines } from '../../core/pipeline/known';
import { folderInRepository } from '../app/git-folder';
import type { Repositories } from '../app/repositories';
import type { Service } from '../app/state';
import { parseDefinition } from '../pipeline/parser';

interface OpenedFeedback {
  /** The text of `delivery.yaml`. */
  readonly definition: string;
  /** A string is the reason why feedback could not be opened. */
  readonly feedback: Promise<ServiceFeedback | string>;
}

const headPollMs = 2_000;

/** The feedback of each service in the window, opened on first use and again when its definition changes. */
export class FeedbackServices implements vscode.Disposable {
  private readonly opened = new Map<string, OpenedFeedback>();
  private readonly byService = new Map<string, readonly Inbox[]>();
  private readonly reflogs = new Set<string>();

  constructor(
    private readonly repositories: Repositories,
    private readonly tokens: Tokens,
    /** Called when `HEAD` of a repository moves. */
    private readonly onHeadMoved: () => void,
  ) {}

  async open(service: Service): Promise<ServiceFeedback | string> {
    if (!vscode.workspace.isTrusted) return 'This folder is in Restricted Mode.';
    try {
      const definition = fs.readFileSync(service.file, 'utf8');
      const known = this.opened.get(service.key);
      if (known?.definition === definition) return await known.feedback;
      const feedback = this.openAs(service, definition);
      this.opened.set(service.key, { definition, feedback });
      return await feedback;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Returns the opened sources of a service, or of all services. */
  inboxes(service?: string): readonly Inbox[] {
    return service === undefined ? [...this.byService.values()].flat() : (this.byService.get(service) ?? []);
  }

  dispose(): void {
    for (const reflog of this.reflogs) fs.unwatchFile(reflog, this.onHeadMoved);
  }

  private async openAs(service: Service, definition: string): Promise<ServiceFeedback | string> {
    const opened = await this.repositories.of(service);
    if (!opened) return `Git could not open ${service.root}`;
    // A delivered definition is known, so the parser need not be loaded for it.
    const pipeline =
      new KnownPipelines(service.home.definitions).recall(blobId(definition)) ?? (await parseDefinition(definition, service.file)).pipeline;
    if (!pipeline) return `${path.basename(service.file)} has errors. Fix them to see feedback.`;
    const core = await import('../../core/feedback/service-feedback');
    const feedback = await core.ServiceFeedback.open({
      repository: opened.repository,
      home: service.home,
      folder: folderInRepository(service.root, service.folder),
      pipeline,
      placesNow: opened.places,
      tokens: this.tokens,
      proxy: 'host',
    });
    this.byService.set(service.key, feedback.inboxes);
    this.watchHead(path.join(opened.repository.gitFolder, 'logs', 'HEAD'));
    return feedback;
  }

  /** Git writes every move of `HEAD` to its reflog. */
  private watchHead(reflog: string): void {
    if (this.reflogs.has(reflog)) return;
    this.reflogs.add(reflog);
    fs.watchFile(reflog, { interval: headPollMs, persistent: false }, this.onHeadMoved);
  }
}
