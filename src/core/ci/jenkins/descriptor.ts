import { describeCi } from '../ci-service';

export const jenkins = describeCi({
  kind: 'jenkins',
  label: 'Jenkins',
  schema: ({ z, describe, text, address, remote }) =>
    z
      .strictObject({
        url: address.check(describe('The address of Jenkins.')),
        job: text.check(describe('The Pipeline job, as folder/name. Its branch specifier is its string parameter DELIVERY_REF.')),
        remote,
      })
      .check(describe('Jenkins.')),
  parse: ({ url, job, remote }) => ({ url, place: job, remote }),

  requiredSettings: '{url: https://…, job: folder/name}',
  place: 'job',
  tokens: {
    kind: 'jenkins',
    permissions: 'Enter USER:TOKEN. TOKEN is an API token of a user with permission to build and read the job.',
    fromLogin: ({ login, password }) => `${login}:${password}`,
  },
  jobMarks: ['JENKINS_NODE_COOKIE', 'JENKINS_SERVER_COOKIE', 'BUILD_ID'],

  comment: '//',
  folders: [],
  files: async (services, options) => {
    const { jenkinsfile } = await import('./jenkinsfile');
    return services.map((service) => jenkinsfile(service, options));
  },

  open: async ({ server, place, pipeline, client, tokens }) => {
    const { openJenkinsClient } = await import('./jenkins-client');
    return openJenkinsClient({ server, job: place, steps: pipeline.steps.map(({ name }) => name) }, client, tokens);
  },

  approvals: {
    files: ['**/Jenkinsfile*', '**/*.jenkinsfile'],
    find: async (content) => (await import('./jenkinsfile-approvals')).jenkinsfileApprovals(content),
  },
});
