import * as path from 'node:path';
import type { Repository } from '../git/repository';
import { EnvironmentFiles } from '../environments/process/state-file';
import type { Pipeline, SourceDefinition } from '../model/pipeline';
import { FileSource } from './sources/file-source';
import { originOf } from '../git/remotes';
import type { FeedbackSource } from './source';
import type { Tokens } from '../model/tokens';

export interface SourceSurroundings {
  readonly repository: Repository;
  /** Deliver's home folder, which contains the environments. */
  readonly home: string;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly tokens: Tokens;
  /** How proxies are found: by environment variables or by the host program. */
  readonly proxy: 'environment' | 'host';
}

/** Opens the feedback files of a service's process environments, then the sources that `delivery.yaml` names. */
export async function openSources(pipeline: Pipeline, around: SourceSurroundings): Promise<FeedbackSource[]> {
  const embedded = Object.entries(pipeline.environments)
    .filter(([, { kind }]) => kind === 'process')
    .map(([name]) => embeddedSource(pipeline.service, name, around.home));
  const named = await Promise.all((pipeline.feedback?.sources ?? []).map(async (source) => openSource(source, around)));
  return [...embedded, ...named];
}

function embeddedSource(service: string, environment: string, home: string): FeedbackSource {
  const files = new EnvironmentFiles(home, environment);
  const file = files.feedback(service);
  return new FileSource({ name: environment, file, within: path.dirname(file), environment, mayBeAbsent: true });
}

async function openSource(source: SourceDefinition, around: SourceSurroundings): Promise<FeedbackSource> {
  if (source.kind === 'file') {
    const file = path.join(around.repository.root, around.folder, source.file);
    return new FileSource({ name: `file ${source.file}`, file, within: around.repository.root, mayBeAbsent: false });
  }
  const { openRemoteSource } = await import('./remote-sources');
  return openRemoteSource(source, { origin: await originOf(around.repository), tokens: around.tokens, proxy: around.proxy });
}
