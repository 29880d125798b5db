import { unreachable } from '../model/result';
import type { SourceDefinition } from '../model/pipeline';
import { openGithubSource } from './sources/github-source';
import { openGitlabSource } from './sources/gitlab-source';
import { HttpClient, type HttpOptions } from '../http/http-client';
import { openHttpSource } from './sources/http-source';
import { openSentrySource } from './sources/sentry-source';
import type { SourceDefaults } from './sources/source-defaults';
import type { FeedbackSource } from './source';
import type { Tokens } from '../model/tokens';

export interface RemoteSurroundings extends SourceDefaults {
  readonly tokens: Tokens;
  readonly proxy: HttpOptions['proxy'];
}

/** Opens a network source without sending a request. */
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
