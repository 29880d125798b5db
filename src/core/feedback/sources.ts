import * as path from 'node:path';
import { EnvironmentFiles } from '../environments/process/state-file';
import { isEmbedded } from '../environments/registry';
import { originOf } from '../git/remotes';
import type { Repository } from '../git/repository';
import type { HttpOptions } from '../http/http-client';
import type { Pipeline } from '../model/pipeline';
import type { Tokens } from '../model/tokens';
import { findSourceKind } from './registry';
import type { FeedbackSource, SourceContext } from './source';
import { FileSource } from './sources/file/file-source';

export interface SourceSurroundings {
  readonly repository: Repository;
  /** Deliver's own folder, which holds the environments. */
  readonly home: string;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly tokens: Tokens;
  readonly proxy: HttpOptions['proxy'];
}

/** Returns the feedback sources of a service: the files that its embedded releases write, then those that `delivery.yaml` names. */
export async function openSources(
  pipeline: Pipeline,
  { repository, home, folder, tokens, proxy }: SourceSurroundings,
): Promise<FeedbackSource[]> {
  const embedded = Object.entries(pipeline.environments)
    .filter(([, { kind }]) => isEmbedded(kind))
    .map(([name]) => embeddedSource(pipeline.service, name, home));
  const context: SourceContext = {
    root: repository.root,
    folder: path.join(repository.root, folder),
    origin: async () => originOf(repository),
    http: async () => new (await import('../http/http-client')).HttpClient({ proxy }),
    tokens,
  };
  const defined = await Promise.all(
    (pipeline.feedback?.sources ?? []).map(async ({ kind, settings }) => findSourceKind(kind)?.open(settings, context)),
  );
  return [...embedded, ...defined.filter((source) => source !== undefined)];
}

function embeddedSource(service: string, environment: string, home: string): FeedbackSource {
  const file = new EnvironmentFiles(home, environment).feedback(service);
  return new FileSource({ name: environment, file, within: path.dirname(file), environment, mayBeAbsent: true });
}
