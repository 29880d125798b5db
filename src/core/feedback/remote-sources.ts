import { unreachable } from '../failure';
import type { SourceDefinition } from '../pipeline/pipeline';
import { openGithubSource } from './github-source';
import { openGitlabSource } from './gitlab-source';
import { HttpClient, type HttpOptions } from './http-client';
import { openHttpSource } from './http-source';
import { openSentrySource } from './sentry-source';
import type { SourceDefaults } from './source-defaults';
import type { FeedbackSource, Tokens } from './source';

export interface RemoteSurroundings extends SourceDefaults {
  readonly tokens: Tokens;
  readonly proxy: HttpOptions['proxy'];
}

/** A source that is asked over the network. Asks nothing yet. */
export function openRemoteSource(source: Exclude<SourceDefinition, { kind: 'file' }>, around: RemoteSurroundings): FeedbackSource {
  const { tokens, proxy } = around;
  const client = new HttpClient({ proxy });
  switch (source.kind) {
    case 'http':
      return openHttpSource(source, client, tokens);
    case 'sentry':
      return openSentrySource(source, client, tokens);
    case 'github':
      return openGithubSource(source, client, tokens, around);
    case 'gitlab':
      return openGitlabSource(source, client, tokens, around);
    default:
      return unreachable(source);
  }
}
