import { gitlabTokens } from '../../../http/code-host-address';
import { describeSource } from '../../source';

export interface GitlabSourceDefinition {
  /** `group/name`. Absent: the project of origin. */
  readonly project?: string;
  readonly labels: readonly string[];
  /** Absent: gitlab.com. */
  readonly url?: string;
}

export const gitlabSource = describeSource({
  kind: 'gitlab',
  label: 'GitLab',
  tokens: gitlabTokens,
  schema: ({ z, describe, text, server }) =>
    z
      .strictObject({
        project: z.optional(text).check(describe('group/name. Default: the project of origin.')),
        labels: z.optional(z.array(text)).check(describe('Only issues with all of these labels.')),
        url: server,
      })
      .check(describe('Issues from GitLab.')),
  parse: ({ labels = [], ...settings }): GitlabSourceDefinition => ({ ...settings, labels }),
  open: async (settings, { http, tokens, origin }) => {
    const { openGitlabSource } = await import('./gitlab-source');
    return openGitlabSource(settings, await http(), tokens, { origin: await origin() });
  },
});
