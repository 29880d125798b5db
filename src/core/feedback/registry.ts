import type { SourceDescriptor } from './source';
import { fileSource } from './sources/file/descriptor';
import { githubSource } from './sources/github/descriptor';
import { gitlabSource } from './sources/gitlab/descriptor';
import { httpSource } from './sources/http/descriptor';
import { sentrySource } from './sources/sentry/descriptor';

/** Every kind of feedback source, in the order in which messages name them. */
export const sourceKinds: readonly SourceDescriptor[] = [fileSource, httpSource, sentrySource, githubSource, gitlabSource];

export function findSourceKind(kind: string): SourceDescriptor | undefined {
  return sourceKinds.find((known) => known.kind === kind);
}
