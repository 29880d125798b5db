import * as z from 'zod/mini';

/**
 * The one definition of `delivery.yaml`: the parser validates with it and the published JSON schema is
 * generated from it. What JSON schema cannot get from a type stands beside the matching check in `meta`.
 */

const describe = (description: string) => z.meta({ description });

/** Steps, services and environments name files and folders, so their names are safe in every file system. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
const name = z.string().check(z.regex(namePattern, 'a name holds letters, digits, `_`, `.` and `-`, and starts with a letter or a digit'));

/** The longest of each unit fits a timer. */
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
const inside = z.string().check(z.regex(insidePattern, 'a path stays inside the folder of this file: neither absolute nor with `..`'));
const globs = z.array(inside);

const environmentName = z
  .string()
  .check(z.regex(/^[A-Za-z_][A-Za-z0-9_]{0,199}$/, 'the name of an environment variable holds letters, digits and `_`'));
const variables = z.record(environmentName, z.union([z.string(), z.number(), z.boolean()]));

const address = z.string().check(z.regex(/^https?:\/\/[^\s/]+/, 'an address starts with https:// or http://'));

const holds = (value: unknown, key: string): boolean => typeof value === 'object' && value !== null && key in value;

/** Runs even where other keys are wrong, so that all errors are reported together. */
function rule(test: (value: unknown) => boolean, message: string) {
  return z.refine<unknown>(test, { error: message, when: ({ value }) => typeof value === 'object' && value !== null });
}

function exactlyOne(keys: readonly string[], what: string) {
  return rule((value) => keys.filter((key) => holds(value, key)).length === 1, what);
}

const problems = z
  .array(z.union([text, z.looseObject({})]))
  .check(describe('Problem matchers for the output of the step: names of built-in ones, or matchers in the format of VS Code.'));

const step = z
  .strictObject({
    needs: z
      .optional(z.union([name, z.array(name)]))
      .check(describe('The step, or the list of steps, that must have passed before. Without it the step starts at once.')),
    run: z.optional(command).check(describe("The command, run by the shell in the service's folder.")),
    deploy: z.optional(name).check(describe('The environment that this step deploys the snapshot to.')),
    verifies: z
      .optional(name)
      .check(
        describe(
          'The environment that this step verifies: its failure brings the previous release back. The command gets DELIVERY_URL, DELIVERY_COMMIT and DELIVERY_ENVIRONMENT.',
        ),
      ),
    inputs: z
      .optional(globs)
      .check(
        describe(
          'Globs of the files that the step reads. While they are unchanged it is not run again. Without inputs it runs every time.',
        ),
      ),
    outputs: z.optional(globs).check(describe('Globs of the files that the step makes. They are put back when it is not run again.')),
    env: z.optional(variables).check(describe('Environment variables for the command.')),
    secrets: z
      .optional(z.array(environmentName))
      .check(describe("Names of secrets, from the editor's secret store or the environment. They are masked in logs.")),
    reports: z.optional(globs).check(describe('Globs of the JUnit XML reports that the step writes.')),
    problems: z.optional(problems),
    timeout: z.optional(duration).check(describe('The step is ended after this time: 300ms, 30s, 5m or 1h.')),
    retries: z
      .optional(z.int().check(z.gte(0), z.lte(10)))
      .check(describe('How often a failed step is tried again. A pass on a retry is reported as flaky.')),
  })
  .check(
    exactlyOne(['run', 'deploy'], 'a step has either `run` or `deploy`'),
    rule((value) => !holds(value, 'verifies') || holds(value, 'run'), '`verifies` goes with `run`: the command that verifies'),
    z.meta({ oneOf: [{ required: ['run'] }, { required: ['deploy'] }], dependencies: { verifies: ['run'] } }),
  );

const probes = ['path', 'tcp', 'command'];
const health = z
  .strictObject({
    path: z
      .optional(z.string().check(z.regex(/^\//, 'a path of the service starts with /')))
      .check(describe('Healthy when a GET of this path answers 2xx.')),
    tcp: z.optional(z.literal(true)).check(describe('Healthy when the port accepts connections (the default).')),
    command: z.optional(command).check(describe('Healthy when this command exits with 0.')),
    timeout: z.optional(duration).check(describe('How long a release may take to become healthy. Default: 30s.')),
  })
  .check(
    rule((value) => probes.filter((key) => holds(value, key)).length <= 1, 'health has one of `path`, `tcp` and `command`'),
    describe('When a release counts as healthy. Default: its port accepts connections.'),
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

const url = z.optional(address).check(describe('The address of the service in this environment.'));
const startTimeout = z.optional(duration).check(describe('How long a release may take to become healthy. Default: 5m.'));

const process = z
  .strictObject({
    command: command.check(describe('Starts the service and stays. It gets the port to listen on as PORT.')),
    env: z.optional(variables).check(describe('Environment variables for the command.')),
    health: z.optional(health),
  })
  .check(describe('Runs on this machine, with nothing to install.'));

const compose = z
  .strictObject({
    file: z.optional(z.union([inside, globs])).check(describe('The compose file or files. Default: what docker compose finds.')),
    service: z
      .optional(text)
      .check(describe('The compose service that is delivered. Default: the one named like the service, else the only one that is built.')),
    port: z.optional(z.int().check(z.gte(1), z.lte(65535))).check(describe('The port that it answers on, inside its container.')),
    env: z.optional(variables).check(describe('Environment variables for docker compose, which may stand in its files.')),
    health: z.optional(health).check(describe('When a release counts as healthy. Default: by the health check of its container.')),
  })
  .check(describe('Runs with docker compose, podman compose or docker-compose.'));

const image = z.union([
  text,
  z.strictObject({ file: inside.check(describe('A file that a step writes the image to, by tag or digest.')) }),
]);
const kubernetes = z
  .strictObject({
    context: text.check(describe('The context of kubectl. It is always named: never the current one by accident.')),
    namespace: z.optional(text).check(describe('The namespace. Default: that of the context.')),
    manifests: z
      .optional(z.union([inside, globs]))
      .check(describe('The files or folders that are applied; one with a kustomization is built with it.')),
    chart: z.optional(inside).check(describe('The folder of a Helm chart, instead of manifests.')),
    values: z.optional(z.union([inside, globs])).check(describe('Files of values for the chart.')),
    workload: z
      .string()
      .check(
        z.regex(
          /^(deployment|statefulset|daemonset)\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
          'a workload is a kind and a name, like deployment/shop',
        ),
        describe('The workload whose rollout is waited for, like deployment/shop.'),
      ),
    image: z
      .optional(image)
      .check(describe('The image of the release, like registry.example.com/shop:${DELIVERY_COMMIT}. Default: what the manifests say.')),
    url,
    timeout: startTimeout,
  })
  .check(
    exactlyOne(['manifests', 'chart'], 'kubernetes has either `manifests` or `chart`'),
    rule((value) => !holds(value, 'values') || holds(value, 'chart'), '`values` goes with `chart`'),
    describe('Runs in Kubernetes, through kubectl.'),
    z.meta({ oneOf: [{ required: ['manifests'] }, { required: ['chart'] }], dependencies: { values: ['chart'] } }),
  );

const scripts = z
  .strictObject({
    deploy: command.check(describe("Deploys the release and ends when it is live. It runs in the service's folder of the checkout.")),
    status: z
      .optional(command)
      .check(describe('Exits with 0 while the service is healthy; else the last line that it prints says why it is not.')),
    rollback: z
      .optional(command)
      .check(describe('Brings the release back that DELIVERY_COMMIT names. Default: `deploy` again, in the checkout of that release.')),
    logs: z.optional(command).check(describe("Prints the service's log.")),
    stop: z.optional(command).check(describe('Ends the service.')),
    env: z.optional(variables).check(describe('Environment variables for the commands.')),
    url,
    timeout: startTimeout,
  })
  .check(describe('Runs by your own commands.'));

const environmentKinds = {
  process: z.optional(process),
  compose: z.optional(compose),
  kubernetes: z.optional(kubernetes),
  command: z.optional(scripts),
};
const environment = z
  .strictObject({
    ...environmentKinds,
    watch: z
      .optional(z.union([duration, z.literal('off')]))
      .check(
        describe(
          'How long a release is watched after it went live: one that fails in this time is taken back. Default: 60s. `off`: not at all.',
        ),
      ),
  })
  .check(
    exactlyOne(Object.keys(environmentKinds), 'an environment is one of `process`, `compose`, `kubernetes` and `command`'),
    z.meta({ oneOf: Object.keys(environmentKinds).map((kind) => ({ required: [kind] })) }),
  );

const labels = z.optional(z.array(text)).check(describe('Only those with one of these labels.'));
const server = z.optional(address).check(describe('The address of your own server. Default: the public one.'));

const itemField = (what: string) => z.optional(text).check(describe(`The field that holds ${what}.`));
const fields = z
  .strictObject({
    id: itemField('what tells items apart'),
    title: itemField('the title'),
    body: itemField('the text'),
    kind: itemField('the kind: error, comment, rating or ticket'),
    createdAt: itemField('when it was first said'),
    lastSeenAt: itemField('when it was last said'),
    author: itemField('who said it'),
    url: itemField('the address of its page'),
    rating: itemField('the rating'),
    count: itemField('how often it was said'),
    people: itemField('how many people said it'),
    release: itemField('the release that was running: a commit, a tag or a version'),
    environment: itemField('the environment'),
    component: itemField('the component'),
  })
  .check(describe('Which field of an item is which: paths with dots, like user.name. Those that are called the same need no mention.'));
const http = z.strictObject({
  url: address.check(describe('The address.')),
  items: z
    .optional(text)
    .check(describe('Where in the answer the items are: a path with dots. Default: the answer itself, or what it calls items.')),
  fields: z.optional(fields),
  kind: z
    .optional(z.enum(['error', 'comment', 'rating', 'ticket']))
    .check(describe('What the items are, where no field says it. Default: comment.')),
  next: z.optional(text).check(describe('Where in the answer the address of the next page is, or the cursor. Default: the `Link` header.')),
  cursor: z.optional(text).check(describe('The query parameter that takes the cursor.')),
  page: z.optional(text).check(describe('The query parameter that counts the pages, from 1 until one is empty.')),
  header: z
    .optional(z.string().check(z.regex(/^[A-Za-z0-9-]+$/, 'the name of a header holds letters, digits and `-`')))
    .check(describe('The header that carries the token. Default: Authorization, as a bearer token.')),
});

const sourceKinds = {
  file: z.optional(inside).check(describe('A file with one JSON object a line.')),
  http: z.optional(z.union([address, http])).check(describe('Any JSON over HTTP.')),
  sentry: z
    .optional(
      z.strictObject({
        organization: text.check(describe('The slug of the organization.')),
        project: text.check(describe('The slug of the project.')),
        environment: z.optional(text).check(describe('Only errors of this environment.')),
        query: z.optional(z.string()).check(describe('Which issues, as in the search of Sentry. Default: is:unresolved.')),
        url: server,
      }),
    )
    .check(describe('Errors from Sentry, GlitchTip or your own server.')),
  github: z
    .optional(z.strictObject({ repository: z.optional(text).check(describe('owner/name. Default: that of origin.')), labels, url: server }))
    .check(describe('Issues from GitHub.')),
  gitlab: z
    .optional(z.strictObject({ project: z.optional(text).check(describe('group/name. Default: that of origin.')), labels, url: server }))
    .check(describe('Issues from GitLab.')),
};
const source = z
  .strictObject(sourceKinds)
  .check(
    exactlyOne(Object.keys(sourceKinds), 'a source is one of `file`, `http`, `sentry`, `github` and `gitlab`'),
    z.meta({ minProperties: 1, maxProperties: 1 }),
  );

const feedback = z
  .strictObject({
    sources: z.optional(z.array(source)).check(describe('Where feedback comes from.')),
    components: z
      .optional(z.record(text, z.union([inside, globs])))
      .check(describe('The files of each component, for feedback that names no line.')),
  })
  .check(describe('What customers say and hit, brought back to the lines it belongs to.'));

const remote = z
  .optional(z.string().check(z.regex(/^(?!-)[^\s:~^?*[\\]+$/, 'the name of a remote of git, as in `git remote`')))
  .check(describe('The remote of git that changes are pushed to. Default: that of the branch, else origin.'));
const engineNames = ['github', 'gitlab', 'jenkins'] as const;
const engineSettings = z
  .strictObject({
    github: z
      .optional(
        z.strictObject({ repository: z.optional(text).check(describe('owner/name. Default: that of the remote.')), url: server, remote }),
      )
      .check(describe('GitHub Actions, also of GitHub Enterprise.')),
    gitlab: z
      .optional(
        z.strictObject({ project: z.optional(text).check(describe('group/name. Default: that of the remote.')), url: server, remote }),
      )
      .check(describe('GitLab CI/CD, also self-hosted.')),
    jenkins: z
      .optional(
        z.strictObject({
          url: address.check(describe('The address of Jenkins.')),
          job: text.check(describe('The Pipeline job, as folder/name. Its branch specifier is its string parameter DELIVERY_REF.')),
          remote,
        }),
      )
      .check(describe('Jenkins.')),
  })
  .check(exactlyOne(engineNames, 'an engine is one of `github`, `gitlab` and `jenkins`'), z.meta({ minProperties: 1, maxProperties: 1 }));
const engine = z
  .union([z.enum(['local', 'github', 'gitlab']), engineSettings])
  .check(describe('Where the steps run: on this machine (`local`, the default), or on the CI service that the team has.'));

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
      .check(describe('Production-like places where the services live together, by name.')),
    release: z.optional(name).check(describe('The environment where "Release to Customers" promotes a verified release.')),
    engine: z.optional(engine),
    feedback: z.optional(feedback),
  })
  .check(z.meta({ title: 'delivery.yaml', description: 'How Deliver delivers a service.' }));

export type Definition = z.infer<typeof definition>;
