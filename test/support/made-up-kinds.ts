import { describeCi, type CiDescriptor } from '../../src/core/ci/ci-service';
import { ciServices } from '../../src/core/ci/registry';
import { describeEnvironment, type EnvironmentDescriptor } from '../../src/core/environments/descriptor';
import { environmentKinds } from '../../src/core/environments/registry';
import { sourceKinds } from '../../src/core/feedback/registry';
import { describeSource, type SourceDescriptor } from '../../src/core/feedback/source';

/** A preload for the command line from its sources: it registers a made-up kind of each sort, by its descriptor alone. */

(environmentKinds as EnvironmentDescriptor[]).push(
  describeEnvironment({
    kind: 'balloon',
    schema: ({ z, describe, duration }) =>
      z.strictObject({ height: duration.check(describe('How long it rises.')) }).check(describe('Runs in the air.')),
    parse: ({ height }) => height,
    loadPlatforms: async () => Promise.reject(new Error('no balloon')),
  }),
);

(ciServices as CiDescriptor[]).push(
  describeCi({
    kind: 'abacus',
    label: 'Abacus',
    schema: ({ z, describe, text, server, remote }) =>
      z.strictObject({ frame: z.optional(text).check(describe('The frame.')), url: server, remote }).check(describe('Abacus.')),
    parse: ({ frame, url, remote }) => ({ place: frame, url, remote }),
    place: 'frame',
    tokens: { kind: 'abacus', permissions: 'It needs beads.', variables: { 'https://abacus.example.com': 'ABACUS_TOKEN' } },
    comment: '#',
    folders: [],
    files: async (services) =>
      Promise.resolve(
        services.map(({ pipeline: { service } }) => ({
          path: `${service}.abacus`,
          service,
          source: 'delivery.yaml',
          body: 'beads: 10\n',
          notes: [],
        })),
      ),
    open: async () => Promise.reject(new Error('no abacus')),
    approvals: {
      files: ['**/*.abacus'],
      find: async (content) => Promise.resolve(content.includes('wait') ? [{ line: 1, message: 'the abacus waits' }] : []),
    },
  }),
);

(sourceKinds as SourceDescriptor[]).push(
  describeSource({
    kind: 'parrot',
    label: 'A parrot',
    schema: ({ text, describe }) => text.check(describe('The name of the parrot.')),
    parse: (name) => name,
    open: async (name) =>
      Promise.resolve({
        kind: 'parrot',
        name: `parrot ${name}`,
        fetch: async () =>
          Promise.resolve({
            state: 'items',
            items: [{ id: '1', kind: 'comment', title: `${name} says hello`, createdAt: new Date().toISOString(), count: 1 }],
            isComplete: true,
          }),
        actions: {},
      }),
  }),
);
