import { githubTokens } from '../../../http/code-host-address';
import { describeSource } from '../../source';

export interface GithubSourceDefinition {
  /** `owner/name`. Absent: the repository of origin. */
  readonly repository?: string;
  readonly labels: readonly string[];
  /** Absent: github.com. */
  readonly url?: string;
}

export const githubSource = describeSource({
  kind: 'github',
  label: 'GitHub',
  tokens: githubTokens,
  schema: ({ z, describe, text, server }) =>
    z
      .strictObject({
        repository: z.optional(text).check(describe('owner/name. Default: the repository of origin.')),
        labels: z.optional(z.array(text)).check(describe('Only issues with all of these labels.')),
        url: server,
      })
      .check(describe('Issues from GitHub.')),
  parse: ({ labels = [], ...settings }): GithubSourceDefinition => ({ ...settings, labels }),
  open: async (settings, { http, tokens, origin }) => {
    const { openGithubSource } = await import('./github-source');
    return openGithubSource(settings, await http(), tokens, { origin: await origin() });
  },
});
