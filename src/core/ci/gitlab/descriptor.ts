import { gitlabTokens } from '../../http/code-host-address';
import { describeCi } from '../ci-service';

export const gitlab = describeCi({
  kind: 'gitlab',
  label: 'GitLab CI/CD',
  schema: ({ z, describe, text, server, remote }) =>
    z
      .strictObject({
        project: z.optional(text).check(describe('group/name. Default: the project of the remote.')),
        url: server,
        remote,
      })
      .check(describe('GitLab CI/CD, also self-hosted.')),
  parse: ({ project, url, remote }) => ({ place: project, url, remote }),

  place: 'project',
  hosts: /gitlab/,
  tokens: gitlabTokens,
  gitUser: 'oauth2',
  quietPush: 'ci.skip',

  comment: '#',
  folders: ['.gitlab'],
  files: async (services, options) => (await import('./pipeline-file')).pipelineFiles(services, options),

  open: async ({ server, place, pipeline, services, client, tokens }) => {
    const { openGitlabClient } = await import('./gitlab-client');
    const names = services.map(({ pipeline: { service } }) => service);
    return openGitlabClient({ server, project: place, services: names, service: pipeline.service }, client, tokens);
  },

  approvals: {
    files: ['**/.gitlab-ci.yml', '**/*.gitlab-ci.yml', '.gitlab/ci/**/*.yml'],
    find: async (content) => (await import('./pipeline-approvals')).pipelineApprovals(content),
  },
});
