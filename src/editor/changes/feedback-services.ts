import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { blobId } from '../../core/git/working-files';
import type { Inbox } from '../../core/feedback/inbox';
import type { ServiceFeedback } from '../../core/feedback/service-feedback';
import type { Tokens } from '../../core/model/tokens';
import { messageOf } from '../../core/model/result';
import { KnownPipelines } from '../../core/pipeline/known';
import type { lazyParser } from '../pipeline/parser';
import type { Repositories } from '../app/repositories';
import type { Service } from '../app/state';

interface Opened {
  /** The text of the definition that it was opened for. */
  readonly definition: string;
  /** A sentence says why there is nothing to open. */
  readonly feedback: Promise<ServiceFeedback | string>;
}

const commitsEveryMs = 2_000;

/** The feedback on each service of the window, opened when first asked for and again when its definition is another. */
export class FeedbackServices implements vscode.Disposable {
  private readonly opened = new Map<string, Opened>();
  private readonly byService = new Map<string, readonly Inbox[]>();
  private readonly logs = new Set<string>();

  constructor(
    private readonly repositories: Repositories,
    private readonly parse: ReturnType<typeof lazyParser>,
    private readonly tokens: Tokens,
    /** Called when a repository has another commit. */
    private readonly moved: () => void,
  ) {}

  async open(service: Service): Promise<ServiceFeedback | string> {
    if (!vscode.workspace.isTrusted) return 'this folder is in restricted mode';
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

  /** The sources of a service, or of all; those that were opened so far. */
  inboxes(service?: string): readonly Inbox[] {
    return service === undefined ? [...this.byService.values()].flat() : (this.byService.get(service) ?? []);
  }

  dispose(): void {
    for (const log of this.logs) fs.unwatchFile(log, this.moved);
  }

  private async openAs(service: Service, definition: string): Promise<ServiceFeedback | string> {
    const opened = await this.repositories.of(service);
    if (!opened) return `${service.root} could not be opened with git`;
    // What was delivered was parsed before: the parser need not be loaded for it.
    const pipeline =
      new KnownPipelines(service.home.definitions).recall(blobId(definition)) ?? (await this.parse(definition, service.file)).pipeline;
    if (!pipeline) return `${path.basename(service.file)} has errors: feedback waits until they are mended`;
    const core = await import('../../core/feedback/service-feedback');
    const feedback = await core.ServiceFeedback.open({
      repository: opened.repository,
      home: service.home,
      folder: path.relative(service.root, fs.realpathSync(service.folder)).split(path.sep).join('/'),
      pipeline,
      placesNow: opened.places,
      tokens: this.tokens,
      proxy: 'host',
    });
    this.byService.set(service.key, feedback.inboxes);
    this.watchCommits(path.join(opened.repository.gitFolder, 'logs', 'HEAD'));
    return feedback;
  }

  /** Git notes there whatever moves `HEAD`, whoever does it. */
  private watchCommits(log: string): void {
    if (this.logs.has(log)) return;
    this.logs.add(log);
    fs.watchFile(log, { interval: commitsEveryMs, persistent: false }, this.moved);
  }
}
