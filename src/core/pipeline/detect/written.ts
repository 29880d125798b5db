import { stringify } from 'yaml';
import { type CiVersion, leftOver, type LeftOver } from './ci-files';
import type { FoundServer, FoundStep } from './project';

const header = [
  '# How Deliver delivers this service.',
  '# A step starts as soon as the steps that it needs have passed. It is not run again while the files of',
  '# its `inputs` are unchanged. Its `outputs` are restored instead.',
];

export const noServer = 'no program that serves was found. Which command starts the service?';

export interface FirstDefinition {
  readonly service: string;
  readonly steps: readonly FoundStep[];
  readonly server?: FoundServer | undefined;
  readonly questions: readonly string[];
  /** Another environment that the service could have. */
  readonly alternative?: FoundServer | undefined;
  /** The versions of tools that CI files name. */
  readonly versions: readonly CiVersion[];
  readonly left: readonly LeftOver[];
}

/** Returns the text of a first `delivery.yaml`. */
export function written({ service, steps, server, questions, alternative, versions, left }: FirstDefinition): string {
  const needed = new Set(steps.flatMap((step) => step.needs ?? []));
  const last = steps.map((step) => step.name).filter((name) => !needed.has(name));
  const lines = [...header, ...versionLines(versions), `service: ${scalar(service)}`, 'steps:', ...steps.flatMap(stepLines)];
  if (server?.question === undefined && server)
    lines.push(...stageLines(last), ...acceptance, 'environments:', ...environmentLines(server));
  else {
    const question = server?.question ?? noServer;
    const unknown: FoundServer = { kind: 'process', start: './my-service' };
    const rest = 'The service must listen on the port in the variable PORT. Then remove the `# ` of these lines:';
    lines.push(
      '',
      `# Question: ${oneLine(question)}`,
      `# ${server?.kind === 'compose' ? 'Then remove the `# ` of these lines:' : rest}`,
      ...commented([...stageLines(last), 'environments:', ...environmentLines(server ?? unknown)]),
    );
  }
  if (alternative)
    lines.push('', `# The services of ${alternative.start} can be the environment instead, with docker:`, ...commented(['environments:', ...environmentLines(alternative)])); // prettier-ignore
  for (const question of questions) lines.push('', `# Question: ${oneLine(question)}`);
  if (left.length > 0) lines.push('', '# Not used, from the CI files:', ...commented(left.map((one) => `  ${leftOver(one)}`)));
  return `${lines.join('\n')}\n`;
}

function versionLines(versions: readonly CiVersion[]): string[] {
  const texts = versions.map(({ file, line, tool, version }) => `${tool} ${version} (${file}:${line})`);
  const first = texts.filter((text, index) => texts.findIndex((other) => other.split(' (')[0] === text.split(' (')[0]) === index);
  return first.length === 0 ? [] : [`# The CI files use ${first.join(', ')}.`];
}

function stepLines(step: FoundStep): string[] {
  const { name, comment, needs = [], run, env, inputs, outputs, reports } = step;
  return [
    ...(comment === undefined ? [] : [`  # ${oneLine(comment)}`]),
    `  ${scalar(name)}:`,
    ...(needs.length === 0 ? [] : [`    needs: ${list(needs)}`]),
    `    run: ${scalar(run)}`,
    ...(env && Object.keys(env).length > 0 ? [`    env: ${variables(env)}`] : []),
    ...(inputs && inputs.length > 0 ? [`    inputs: ${globs(inputs)}`] : []),
    ...(outputs ? [`    outputs: ${globs(outputs)}`] : []),
    ...(reports ? [`    reports: ${globs(reports)}`] : []),
  ];
}

function stageLines(last: readonly string[]): string[] {
  return ['  stage:', ...(last.length === 0 ? [] : [`    needs: ${list(last)}`]), '    deploy: staging'];
}

const acceptance = [
  '  # A step that checks the new release goes here. If it fails, the previous release is restored:',
  ...commented(['acceptance:', '  needs: stage', '  run: curl --fail "$DELIVERY_URL"', '  verifies: staging'], '  '),
];

function environmentLines({ kind, start, service, port, env, envFile, health, timeout }: FoundServer): string[] {
  if (kind === 'compose') {
    const named = service === undefined ? '' : `, service: ${scalar(service)}`;
    const inside = port === undefined ? '' : `, port: ${port}`;
    return ['  staging:', `    compose: {file: ${scalar(start)}${named}${inside}}`];
  }
  const checks = [...(health === undefined ? [] : [`path: ${scalar(health)}`]), ...(timeout === undefined ? [] : [`timeout: ${timeout}`])];
  return [
    '  staging:',
    '    process:',
    `      command: ${scalar(start)}   # gets the port to listen on as PORT`,
    ...(env ? [`      env: ${variables(env)}`] : []),
    ...(envFile === undefined ? [] : [`      envFile: ${scalar(envFile)}   # git ignores it, so it comes from the working copy`]),
    ...(checks.length === 0 ? [] : [`      health: {${checks.join(', ')}}`]),
  ];
}

function commented(lines: readonly string[], indent = ''): string[] {
  return lines.map((line) => `${indent}# ${line}`);
}

function oneLine(text: string): string {
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffd]+/g, ' ').trim();
}

function list(names: readonly string[]): string {
  return names.length === 1 ? scalar(names[0] ?? '') : `[${names.map(scalar).join(', ')}]`;
}

function globs(paths: readonly string[]): string {
  return `[${paths.map((path) => (/^[\w./][\w./*-]*$/.test(path) ? path : JSON.stringify(path))).join(', ')}]`;
}

function variables(env: Readonly<Record<string, string>>): string {
  return `{${Object.entries(env)
    .map(([name, value]) => `${name}: ${flow(value)}`)
    .join(', ')}}`;
}

/** Returns a scalar inside braces, where commas and brackets need quotes. */
function flow(text: string): string {
  return /[,[\]{}#:]/.test(text) ? JSON.stringify(text) : scalar(text);
}

/** Returns a scalar on one line, quoted only if YAML needs it. */
function scalar(text: string): string {
  const written = stringify(text, { lineWidth: 0 }).trimEnd();
  return written.includes('\n') ? JSON.stringify(text) : written;
}
