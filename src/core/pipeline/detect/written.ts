import { stringify } from 'yaml';
import { leftOver, type LeftOver } from './adopt/adopted';
import type { Found, FoundServer, FoundStep } from './project';

const header = [
  '# How Deliver delivers this service.',
  '# A step starts as soon as the steps that it needs have passed. Where the files of its `inputs`',
  '# are unchanged it is not run again, and its `outputs` are put back.',
];

/** Returns the text of a first `delivery.yaml`. */
export function written(
  service: string,
  steps: readonly FoundStep[],
  server: FoundServer | undefined,
  others: readonly Found[],
  left: readonly LeftOver[] = [],
): string {
  const needed = new Set(steps.flatMap((step) => step.needs ?? []));
  const last = steps.map((step) => step.name).filter((name) => !needed.has(name));
  const lines = [...header, `service: ${scalar(service)}`, 'steps:', ...steps.flatMap(stepLines)];
  if (server) lines.push(...stagingLines(last, server));
  else {
    lines.push(
      '',
      '# Nothing is deployed yet. A service that listens on PORT runs in an environment on this machine:',
      ...commented([
        '  stage:',
        `    needs: ${list(last)}`,
        '    deploy: staging',
        'environments:',
        '  staging:',
        '    process:',
        '      command: ./my-service',
      ]),
    );
  }
  for (const { suggestion } of others) if (suggestion) lines.push('', ...commented(suggestion));
  if (left.length > 0) lines.push('', '# Not taken over:', ...commented(left.map((one) => `  ${leftOver(one)}`)));
  return `${lines.join('\n')}\n`;
}

function stepLines(step: FoundStep): string[] {
  const { name, comment, needs = [], run, env, inputs, outputs, reports, secrets, timeout, retries } = step;
  return [
    ...(comment === undefined ? [] : [`  # ${comment}`]),
    `  ${name}:`,
    ...(needs.length === 0 ? [] : [`    needs: ${list(needs)}`]),
    ...runLines(run),
    ...(env ? [`    env: ${variables(env)}`] : []),
    ...(inputs && inputs.length > 0 ? [`    inputs: ${globs(inputs)}`] : []),
    ...(outputs ? [`    outputs: ${globs(outputs)}`] : []),
    ...(reports ? [`    reports: ${globs(reports)}`] : []),
    ...(secrets ? [`    secrets: [${secrets.join(', ')}]`] : []),
    ...(timeout === undefined ? [] : [`    timeout: ${timeout}`]),
    ...(retries === undefined ? [] : [`    retries: ${retries}`]),
  ];
}

function runLines(run: string): string[] {
  if (!run.includes('\n')) return [`    run: ${scalar(run)}`];
  // The first line of a block scalar sets its indent.
  if (/^\s/.test(run)) return [`    run: ${JSON.stringify(run)}`];
  return ['    run: |', ...run.split('\n').map((line) => (line.trim() === '' ? '' : `      ${line}`))];
}

function stagingLines(last: readonly string[], server: FoundServer): string[] {
  return [
    '  stage:',
    `    needs: ${list(last)}`,
    '    deploy: staging',
    '  # A step that checks the new release goes here. Its failure brings the previous one back:',
    ...commented(['acceptance:', '  needs: stage', '  run: curl --fail "$DELIVERY_URL"', '  verifies: staging'], '  '),
    'environments:',
    '  staging:',
    '    process:',
    `      command: ${scalar(server.command)}   # gets the port to listen on as PORT`,
    ...(server.env ? [`      env: ${variables(server.env)}`] : []),
    ...(server.health === undefined ? [] : [`      health: {path: ${scalar(server.health)}}`]),
  ];
}

function commented(lines: readonly string[], indent = ''): string[] {
  return lines.map((line) => `${indent}# ${line}`);
}

function list(names: readonly string[]): string {
  return names.length === 1 ? scalar(names[0] ?? '') : `[${names.map(scalar).join(', ')}]`;
}

function globs(paths: readonly string[]): string {
  return `[${paths.map((path) => (/^[\w./][\w./*-]*$/.test(path) ? path : JSON.stringify(path))).join(', ')}]`;
}

function variables(env: Readonly<Record<string, string>>): string {
  return `{${Object.entries(env)
    .map(([name, value]) => `${name}: ${scalar(value)}`)
    .join(', ')}}`;
}

/** Returns a scalar on one line, quoted only if YAML needs it. */
function scalar(text: string): string {
  return stringify(text, { lineWidth: 0 }).trimEnd();
}
