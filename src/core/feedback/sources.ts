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
  /** Deliver's own folder, where the environments are. */
  readonly home: string;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly tokens: Tokens;
  /** Who knows of proxies: the variables of the environment, or the program that hosts this one. */
  readonly proxy: 'environment' | 'host';
}

/** Where the feedback on a service comes from: what its releases write by themselves, then what `delivery.yaml` names. */
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
