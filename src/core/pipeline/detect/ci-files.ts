import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../../support/files';
import { YamlFile } from './yaml-file';

/** A part of a CI file that is not used, with its line. */
export interface LeftOver {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** A command of a CI file. It is never run: only its name, its constants and its reports are used. */
export interface CiCommand {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** The variables with a constant value. */
  readonly env: Readonly<Record<string, string>>;
  readonly reports: readonly string[];
}

/** A version of a tool that a CI file names. */
export interface CiVersion {
  readonly file: string;
  readonly line: number;
  readonly tool: string;
  readonly version: string;
}

/** The contents of the CI files of a repository. */
export class CiFacts {
  readonly commands: CiCommand[] = [];
  readonly versions: CiVersion[] = [];
  readonly left: LeftOver[] = [];
}

const workflows = '.github/workflows';
const largest = 500_000;
/** Aliases can make a short file arbitrarily large. */
const mostRead = 2000;
/** A comment of a first `delivery.yaml` stays readable. */
const mostCommands = 60;

/** Reads the GitHub workflows that a change starts, the GitLab CI file and the Jenkinsfile. Skips files that Deliver wrote. */
export function readCiFiles(folder: string): CiFacts {
  const facts = new CiFacts();
  const github = fileNames(path.join(folder, workflows)).filter((name) => /\.ya?ml$/.test(name));
  for (const name of github) read(folder, `${workflows}/${name}`, (text, file) => readGithub(new YamlFile(text), file, facts));
  read(folder, '.gitlab-ci.yml', (text, file) => readGitlab(new YamlFile(text), file, facts));
  read(folder, 'Jenkinsfile', (text, file) => readJenkins(text, file, facts));
  return facts;
}

/** Returns a part of a CI file on one line. */
export function leftOver({ file, line, message }: LeftOver): string {
  return `${file}:${line}: ${shortened(message)}`;
}

/** Returns the commands that no step runs, with their place. */
export function unusedCommands(facts: CiFacts, isUsed: (command: CiCommand) => boolean): LeftOver[] {
  const commands = facts.commands.filter((command) => !isUsed(command));
  const shown = commands.slice(0, mostCommands).map(({ file, line, text }) => ({ file, line, message: text }));
  const more = commands[mostCommands];
  const rest = more === undefined ? [] : [{ ...more, message: `and ${commands.length - mostCommands} more commands` }];
  return [...facts.left, ...shown, ...rest];
}

function shortened(text: string): string {
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffd]+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}

function read(folder: string, file: string, take: (text: string, file: string) => void): void {
  const whole = path.join(folder, file);
  const stat = fs.statSync(whole, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > largest) return;
  const text = fs
    .readFileSync(whole, 'utf8')
    .replace(/^\uFEFF/, '')
    .replace(/\r\n/g, '\n');
  if (!/^(#|\/\/) Written by `deliver export /.test(text)) take(text, file);
}

function readGithub(yaml: YamlFile, file: string, facts: CiFacts): void {
  const { root } = yaml;
  const jobs = root && yaml.get(root, 'jobs');
  if (!root || !jobs) return;
  const triggers = yaml.get(root, 'on');
  const push = yaml.get(triggers, 'push');
  const names = [...yaml.texts(triggers), ...yaml.entries(triggers).map((entry) => entry.key)];
  const isForTags = yaml.get(push, 'tags') && !yaml.get(push, 'branches');
  if (!names.some((name) => (name === 'push' && !isForTags) || name === 'pull_request')) {
    const when = isForTags ? 'a tag' : names.join(', ') || 'nothing';
    facts.left.push({ file, line: yaml.lineOf(triggers), message: `the whole workflow, which ${when} starts` });
    return;
  }
  for (const { value: job } of yaml.entries(jobs)) {
    const matrix = yaml.get(yaml.get(job, 'strategy'), 'matrix');
    const steps = yaml.items(yaml.get(job, 'steps'));
    const reports = steps.flatMap((step) => githubReports(yaml, step));
    for (const step of steps) {
      const env = constants(
        yaml,
        [root, job, step].map((level) => yaml.get(level, 'env')),
      );
      const run = yaml.get(step, 'run');
      addCommands(facts, file, yaml.textLine(run), yaml.text(run) ?? '', { env, reports });
      const tool = /^actions\/setup-(\w+)/.exec(yaml.text(yaml.get(step, 'uses')) ?? '')?.[1];
      const version = yaml.entries(yaml.get(step, 'with')).find(({ key }) => tool !== undefined && key === `${tool}-version`);
      const variable = /^\$\{\{\s*matrix\.([\w-]+)\s*\}\}$/.exec(yaml.text(version?.value) ?? '')?.[1];
      const versions = yaml
        .texts(variable === undefined ? version?.value : yaml.get(matrix, variable))
        .filter((one) => /^[\w.x*-]+$/.test(one));
      if (tool !== undefined && version && versions.length > 0)
        facts.versions.push({ file, line: version.line, tool, version: versions.join(' or ') });
    }
  }
}

/** Returns the XML reports that an action uploads or publishes. */
function githubReports(yaml: YamlFile, step: unknown): string[] {
  const inputs = yaml.get(step, 'with');
  return ['path', 'report_paths', 'report-paths', 'files', 'paths']
    .flatMap((key) => (yaml.text(yaml.get(inputs, key)) ?? '').split(/[\n,]/))
    .map(plainPath)
    .filter((path) => path !== '' && /\.xml$/.test(path) && !/coverage|cobertura|jacoco|clover/i.test(path));
}

const notJobs = new Set('default include stages variables workflow image services cache before_script after_script spec types'.split(' '));

function readGitlab(yaml: YamlFile, file: string, facts: CiFacts): void {
  const { root } = yaml;
  if (!root) return;
  const include = yaml.get(root, 'include');
  if (include) facts.left.push({ file, line: yaml.lineOf(include), message: 'the files that it includes' });
  for (const { key, value: job } of yaml.entries(root).filter((entry) => !notJobs.has(entry.key))) {
    const reports = yaml
      .texts(yaml.get(yaml.get(yaml.get(job, 'artifacts'), 'reports'), 'junit'))
      .map(plainPath)
      .filter((path) => path !== '');
    const env = constants(
      yaml,
      [root, job].map((level) => yaml.get(level, 'variables')),
    );
    for (const part of ['before_script', 'script', 'after_script'])
      for (const command of yaml.items(yaml.get(job, part)).length > 0 ? yaml.items(yaml.get(job, part)) : [yaml.get(job, part)])
        for (const text of yaml.texts(command)) addCommands(facts, file, yaml.textLine(command), text, { env, reports });
    const image = [job, yaml.get(root, 'default'), root].map((level) => yaml.get(level, 'image')).find((one) => one !== undefined);
    const named = /^(?:[\w.-]+\/)*(node|python|golang|ruby|php|rust|openjdk|eclipse-temurin):v?(\d[\w.]*)/.exec(
      yaml.text(image) ?? yaml.text(yaml.get(image, 'name')) ?? '',
    );
    if (named?.[1] !== undefined && named[2] !== undefined && !key.startsWith('.'))
      facts.versions.push({ file, line: yaml.lineOf(image), tool: named[1], version: named[2] });
  }
}

/** Lists the shell commands of a Jenkinsfile. Groovy is not read: everything else about it is unknown. */
function readJenkins(text: string, file: string, facts: CiFacts): void {
  for (const match of text.matchAll(/\b(?:sh|bat|pwsh|powershell)\b\s*\(?\s*(?:\w+\s*:[^'"\n]*)?('''|"""|'|")([\s\S]*?)\1/g))
    addCommands(facts, file, text.slice(0, match.index).split('\n').length, match[2] ?? '', { env: {}, reports: [] });
  if (facts.commands.every((command) => command.file !== file)) facts.left.push({ file, line: 1, message: 'the whole file' });
}

/** Adds each command of a script with its line. */
function addCommands(facts: CiFacts, file: string, line: number, script: string, more: Pick<CiCommand, 'env' | 'reports'>): void {
  let pending = '';
  let start = line;
  for (const [index, text] of script.split('\n').entries()) {
    if (pending === '') start = line + index;
    pending += text.replace(/\\$/, '');
    if (text.endsWith('\\')) continue;
    const command = pending.trim();
    pending = '';
    if (command !== '' && !command.startsWith('#') && facts.commands.length < mostRead)
      facts.commands.push({ file, line: start, text: command, ...more });
  }
}

/** Variables that only mean something on the CI service. */
const foreignName =
  /^(?:CI|(?:CI|GITHUB|GITLAB|GIT|FF|DOCKER|ACTIONS|RUNNER|KUBE\w*|AWS|DEPLOY\w*)_\w+|DOCKER\w*|REGISTRY\w*|IMAGE\w*|PATH|HOME|SHELL|USER|PORT)$/;

function constants(yaml: YamlFile, levels: readonly unknown[]): Record<string, string> {
  const all = levels
    .flatMap((level) => yaml.entries(level))
    .flatMap(({ key, value }) => {
      const text = yaml.text(value) ?? yaml.text(yaml.get(value, 'value'));
      const isConstant = text !== undefined && /^[\w ./:,@=+-]+$/.test(text) && /^[A-Za-z_]\w{0,100}$/.test(key) && !foreignName.test(key);
      return isConstant ? [[key, text] as const] : [];
    });
  return Object.fromEntries(all);
}

/** Returns a path or glob inside the folder, or an empty text for any other. */
function plainPath(text: string): string {
  const path = text.trim().replace(/^(\.\/|\$CI_PROJECT_DIR\/|\$\{\{\s*github\.workspace\s*\}\}\/)/, '');
  return /^[\w*][\w./*-]*$/.test(path) && !path.includes('..') ? path : '';
}
