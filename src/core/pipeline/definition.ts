import * as z from 'zod/mini';
import { ciServices } from '../ci/registry';
import { environmentKinds } from '../environments/registry';
import { sourceKinds } from '../feedback/registry';
import type { DefinitionKind, SchemaBlocks } from '../model/definition-kind';
import { wordList } from '../support/format';

/**
 * The only definition of `delivery.yaml`: the parser validates with it, and the published JSON schema is generated from it. Rules that
 * a type cannot express are in `meta`, beside the check that enforces them.
 */

const describe = (description: string) => z.meta({ description });

/** Steps, services and environments name files and folders, so their names are safe in every file system. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
/** Names that objects have already, that Windows reserves for devices, or whose last dot it drops. */
const reservedName = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)|\.$/i;

function isReserved(name: string): boolean {
  return name in {} || reservedName.test(name);
}

const name = z.string().check(
  z.regex(namePattern, 'a name holds up to 100 letters, digits, `_`, `.` and `-`, and starts with a letter or a digit'),
  z.refine((value) => !isReserved(value), 'this name is reserved: choose another one'),
);

/** The longest duration of each unit fits a timer. */
const duration = z
  .string()
  .check(
    z.regex(
      /^(?!0+[a-z])(\d{1,9}ms|\d{1,6}s|\d{1,4}m|[1-4]?\d{1,2}h)$/,
      'a duration is a whole number with a unit, like 300ms, 30s, 5m or 1h',
    ),
  );

const notBlank = z.regex(/\S/, 'this is empty');
const text = z.string().check(notBlank);
const command = z.string().check(notBlank);

const insidePattern = /^(?!!?([/\\~]|[A-Za-z]:[/\\]))(?!(.*[/\\{,(|!])?\.\.([/\\},)|]|$)).*\S.*$/;
const path = z.string().check(z.regex(insidePattern, 'a path stays inside the folder of this file: neither absolute nor with `..`'));
const paths = z.array(path);
const pathOrPaths = z.union([path, paths]);

const variableName = z.string().check(
  z.regex(/^[A-Za-z_][A-Za-z0-9_]{0,199}$/, 'the name of an environment variable holds letters, digits and `_`'),
  z.refine((value) => !(value in {}), 'this name is reserved: choose another one'),
);
const variableValues = [z.string(), z.number(), z.boolean()] as const;
const variables = z.record(variableName, z.union(variableValues));
const stepVariables = z.record(variableName, z.union([...variableValues, z.null()]));

const address = z.string().check(z.regex(/^https?:\/\/[^\s/]+/, 'an address starts with https:// or http://'));
const server = z.optional(address).check(describe('The address of your own server. Default: the public server.'));
const remote = z
  .optional(z.string().check(z.regex(/^(?!-)[^\s:~^?*[\\]+$/, 'this is not the name of a git remote, as `git remote` lists it')))
  .check(describe('The git remote that changes are pushed to. Default: the remote of the branch, else origin.'));

const has = (value: unknown, key: string): boolean => typeof value === 'object' && value !== null && key in value;

/** Runs even if other keys are wrong, so that all errors are reported together. */
function rule(test: (value: unknown) => boolean, message: string) {
  return z.refine<unknown>(test, { error: message, when: ({ value }) => typeof value === 'object' && value !== null });
}

function exactlyOne(keys: readonly string[], message: string) {
  return rule((value) => keys.filter((key) => has(value, key)).length === 1, message);
}

function together(key: string, other: string, message: string) {
  return rule((value) => !has(value, key) || has(value, other), message);
}

const probes = ['path', 'tcp', 'command'];
const health = z
  .strictObject({
    path: z
      .optional(
        z
          .string()
          .check(
            z.regex(/^\//, 'a path of the service starts with /'),
            z.regex(/^[!-~]*$/, 'a path of the service holds only printable ASCII: encode a space as %20'),
          ),
      )
      .check(describe('Healthy when a GET request of this path returns 2xx.')),
    tcp: z.optional(z.literal(true)).check(describe('Healthy when the port accepts connections (the default).')),
    command: z.optional(command).check(describe('Healthy when this command exits with 0.')),
    timeout: z.optional(duration).check(describe('The time limit for a release to become healthy. Default: 30s.')),
  })
  .check(
    rule((value) => probes.filter((key) => has(value, key)).length <= 1, 'health has one of `path`, `tcp` and `command`'),
    describe('The health check of a release. Default: its port accepts connections.'),
    z.meta({
      not: {
        anyOf: [
          ['path', 'tcp'],
          ['path', 'command'],
          ['tcp', 'command'],
        ].map((required) => ({ required })),
      },
    }),
  );

/** Each function is named, so that a bundler drops the rest of zod. */
const zod: SchemaBlocks['z'] = {
  array: z.array,
  boolean: z.boolean,
  enum: z.enum,
  gte: z.gte,
  int: z.int,
  literal: z.literal,
  lte: z.lte,
  meta: z.meta,
  number: z.number,
  optional: z.optional,
  record: z.record,
  regex: z.regex,
  strictObject: z.strictObject,
  string: z.string,
  union: z.union,
};
const blocks: SchemaBlocks = {
  z: zod,
  describe,
  exactlyOne,
  together,
  text,
  command,
  duration,
  address,
  path,
  paths,
  pathOrPaths,
  variables,
  health,
  server,
  remote,
};

/** Returns an optional key for each kind. {@link oneKind} requires exactly one of them. */
function shapeOf(kinds: readonly DefinitionKind[]): Record<string, z.ZodMiniOptional<z.ZodMiniType>> {
  return Object.fromEntries(kinds.map((each) => [each.kind, z.optional(each.schema(blocks))]));
}

function oneKind(subject: string, kinds: readonly DefinitionKind[]) {
  const keys = kinds.map(({ kind }) => kind);
  return exactlyOne(
    keys,
    `${subject} is one of ${wordList(
      keys.map((key) => `\`${key}\``),
      'and',
    )}`,
  );
}

const problems = z
  .array(z.union([text, z.looseObject({})]))
  .check(describe('Problem matchers for the output of the step: names of built-in matchers, or matchers in the VS Code format.'));

const step = z
  .strictObject({
    needs: z
      .optional(z.union([name, z.array(name)]))
      .check(describe('The step or steps that must pass before this step. Without needs, the step starts immediately.')),
    run: z.optional(command).check(describe("The command. The shell runs it in the service's folder.")),
    deploy: z.optional(name).check(describe('The environment that this step deploys the snapshot to.')),
    verifies: z
      .optional(name)
      .check(
        describe(
          'The environment that this step verifies. If the step fails, the previous release is restored. The command gets DELIVERY_URL, DELIVERY_COMMIT and DELIVERY_ENVIRONMENT.',
        ),
      ),
    inputs: z
      .optional(paths)
      .check(
        describe(
          'Globs of the files that the step reads. While they are unchanged, the step is not run again. Without inputs, it runs every time.',
        ),
      ),
    outputs: z
      .optional(paths)
      .check(describe('Globs of the files that the step creates. They are restored when the step is not run again.')),
    env: z
      .optional(stepVariables)
      .check(
        describe(
          'Environment variables for the command. A variable without a value is taken from the environment, and the step runs again when it changes.',
        ),
      ),
    secrets: z
      .optional(z.array(variableName))
      .check(describe("Names of secrets, from the editor's secret storage or the environment. Deliver masks them in logs.")),
    reports: z.optional(paths).check(describe('Globs of the JUnit XML reports that the step writes.')),
    problems: z.optional(problems),
    timeout: z.optional(duration).check(describe('The time limit of the step: 300ms, 30s, 5m or 1h.')),
    retries: z
      .optional(z.int().check(z.gte(0), z.lte(10)))
      .check(describe('The number of retries of a failed step. A pass on a retry is reported as flaky.')),
  })
  .check(
    exactlyOne(['run', 'deploy'], 'a step has either `run` or `deploy`'),
    together('verifies', 'run', '`verifies` goes with `run`: the command that verifies'),
    z.meta({ oneOf: [{ required: ['run'] }, { required: ['deploy'] }], dependencies: { verifies: ['run'] } }),
  );

const environment = z
  .strictObject({
    ...shapeOf(environmentKinds),
    watch: z
      .optional(z.union([duration, z.literal('off')]))
      .check(
        describe(
          'The time for which a release is watched after it went live. A release that fails in this time is rolled back. Default: 60s. `off`: no watch.',
        ),
      ),
  })
  .check(oneKind('an environment', environmentKinds), z.meta({ oneOf: environmentKinds.map(({ kind }) => ({ required: [kind] })) }));

const source = z.strictObject(shapeOf(sourceKinds)).check(oneKind('a source', sourceKinds), z.meta({ minProperties: 1, maxProperties: 1 }));

const feedback = z
  .strictObject({
    sources: z.optional(z.array(source)).check(describe('The sources of feedback.')),
    components: z.optional(z.record(text, pathOrPaths)).check(describe('The files of each component, for feedback that names no line.')),
    paths: z
      .optional(z.record(text, path))
      .check(describe('Folders where the service runs, each with the folder here that it contains, such as `/usr/src/app: .`.')),
  })
  .check(describe('Feedback from customers, shown at the lines of code that it is about.'));

const settingsOfEngine = z
  .strictObject(shapeOf(ciServices))
  .check(oneKind('an engine', ciServices), z.meta({ minProperties: 1, maxProperties: 1 }));
/** The name alone is enough for a CI service whose settings can all follow from the git remote. */
const nameOfEngine = z.enum([
  'local',
  ...ciServices.filter(({ requiredSettings }) => requiredSettings === undefined).map(({ kind }) => kind),
]);
const engine = z
  .union([nameOfEngine, settingsOfEngine])
  .check(describe('Where the steps run: on this machine (`local`, the default), or on the CI service of the team.'));

export const definition = z
  .strictObject({
    service: name.check(describe('The name of the service.')),
    steps: z.record(name, step).check(
      rule((value) => Object.keys(value as object).length > 0, '`steps` holds no step'),
      describe('The steps by name. Each starts as soon as the steps that it needs have passed.'),
      z.meta({ minProperties: 1 }),
    ),
    environments: z
      .optional(z.record(name, environment))
      .check(describe('The environments by name: production-like places where the services run together.')),
    release: z.optional(name).check(describe('The environment that "Release to Customers" promotes a verified release to.')),
    engine: z.optional(engine),
    feedback: z.optional(feedback),
  })
  .check(z.meta({ title: 'delivery.yaml', description: 'How Deliver delivers a service.' }));

export type Definition = z.infer<typeof definition>;
