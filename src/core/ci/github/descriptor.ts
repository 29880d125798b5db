import { githubAddress, githubTokens } from '../../http/code-host-address';
import { describeCi } from '../ci-service';

export const github = describeCi({
  kind: 'github',
  label: 'GitHub Actions',
  schema: ({ z, describe, text, server, remote }) =>
    z
      .strictObject({
        repository: z.optional(text).check(describe('owner/name. Default: the repository of the remote.')),
        url: server,
        remote,
      })
      .check(describe('GitHub Actions, on github.com or GitHub Enterprise.')),
  parse: ({ repository, url, remote }) => ({ place: repository, url, remote }),

  place: 'repository',
  hosts: /(^|\.)(github\.com|ghe\.com)$|github/,
  apiOf: (server) => githubAddress(server).base,
  tokens: githubTokens,
  gitUser: 'x-access-token',
  jobMarks: ['RUNNER_TRACKING_ID'],
  outputsFile: 'GITHUB_OUTPUT',
  summaryFile: 'GITHUB_STEP_SUMMARY',
  annotation: ({ severity, path, line, column, message, source }) => {
    const place = { file: path, line, col: column, title: source };
    const properties = Object.entries(place).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${escaped(value, /[%\r\n:,]/g)}`],
    );
    return `::${severity === 'error' ? 'error' : severity === 'warning' ? 'warning' : 'notice'} ${properties.join(',')}::${escaped(message, /[%\r\n]/g)}`;
  },

  comment: '#',
  folders: ['.github/workflows'],
  files: async (services, options) => {
    const { workflow } = await import('./workflow');
    return services.map((service) => workflow(service, options));
  },

  open: async ({ server, place, files, client, tokens }) => {
    const { openGithubClient } = await import('./github-client');
    const pipelines = new Map(files.flatMap(({ service, path }) => (service === undefined ? [] : [[service, path] as const])));
    return openGithubClient({ server, repository: place, pipelines }, client, tokens);
  },

  approvals: {
    files: ['.github/workflows/*.yml', '.github/workflows/*.yaml'],
    find: async (content) => (await import('./workflow-approvals')).workflowApprovals(content),
  },
});

/** Escapes text for a workflow command (docs.github.com, workflow commands). */
function escaped(text: string | number, special: RegExp): string {
  return String(text).replace(special, (letter) => encodeURIComponent(letter));
}
