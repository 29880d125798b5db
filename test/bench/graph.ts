import * as fs from 'node:fs';
import * as path from 'node:path';
import { Project } from '../support/project';
import { binaries, cli, inFolder, inTurn, ms, type Contender, type Row } from './measure';

const wireitSettings = { WIREIT_PARALLEL: '2', WIREIT_LOGGER: 'simple', WIREIT_CACHE: 'local' };

/** The least that any runner must do: the same shells, two at a time. */
const bareLoop = `
const { spawn } = require('node:child_process');
let left = 100;
const next = () => { if (left-- > 0) spawn('true', { shell: true, stdio: 'ignore' }).once('close', next); };
next(); next();`;

/** A graph of 100 steps that do nothing, two at a time, as a whole process. */
export async function hundredSteps(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const names = Array.from({ length: 100 }, (_, i) => `s${i}`);
    const project = new Project(folder).steps(Object.fromEntries(names.map((name) => [name, 'true'])));
    const wireit = Object.fromEntries(names.map((name) => [name, { command: 'true' }]));
    writeWireit(project, { ...wireit, all: { dependencies: names } });
    project.commit();
    const times = await inTurn(
      [
        { name: 'loop', command: [process.execPath, '-e', bareLoop], folder },
        {
          name: 'deliver',
          command: [process.execPath, cli, 'run', '--jobs', '2'],
          folder: project.root,
          env: { DELIVER_HOME: project.home },
        },
        wireitContender(project),
        bareWireitContender(project),
      ],
      7,
    );
    const { deliver, loop, wireit: other, detail } = figures(times);
    return [
      { what: '100 empty steps, against a bare loop', value: deliver / loop, bound: { most: 2, unit: '×' }, detail },
      { what: '100 empty steps, against wireit', value: deliver / other, bound: { most: 0.6, unit: '×' }, detail },
    ];
  });
}

/** The second delivery of an unchanged graph of 20 steps with inputs. */
export async function unchangedSteps(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const names = Array.from({ length: 20 }, (_, i) => `s${i}`);
    const project = new Project(folder);
    for (const name of names) project.write(`src/${name}.txt`, name);
    const needs = (i: number): { needs?: string } => (i % 4 === 0 ? {} : { needs: `s${i - 1}` });
    project.steps(Object.fromEntries(names.map((name, i) => [name, { run: 'true', inputs: [`src/${name}.txt`], ...needs(i) }])));
    const wireit = names.map((name, i): [string, object] => [
      name,
      { command: 'true', files: [`src/${name}.txt`], output: [], dependencies: i % 4 === 0 ? [] : [`s${i - 1}`] },
    ]);
    writeWireit(project, { ...Object.fromEntries(wireit), all: { dependencies: names } });
    project.commit();
    const times = await inTurn(
      [
        { name: 'loop', command: [process.execPath, '-e', ''], folder },
        { name: 'deliver', command: [process.execPath, cli, 'run'], folder: project.root, env: { DELIVER_HOME: project.home } },
        wireitContender(project),
        bareWireitContender(project),
      ],
      7,
    );
    const { deliver, wireit: other, detail } = figures(times);
    return [
      {
        what: 'an unchanged graph of 20 steps, against wireit',
        value: deliver / other,
        bound: { most: 0.5, unit: '×' },
        detail: detail.replace('loop', 'empty node'),
      },
    ];
  });
}

function writeWireit(project: Project, wireit: Record<string, unknown>): void {
  const scripts = Object.fromEntries(Object.keys(wireit).map((name) => [name, 'wireit']));
  project
    .write('package.json', JSON.stringify({ name: 'bench', private: true, scripts, wireit }))
    .write('.gitignore', '.wireit\nnode_modules\n');
  fs.symlinkSync(path.dirname(binaries), path.join(project.root, 'node_modules'));
}

/** As its users call it and as it must be called: wireit runs from npm's scripts alone. */
function wireitContender(project: Project): Contender {
  return { name: 'npm run (wireit)', command: ['npm', 'run', '--silent', 'all'], folder: project.root, env: wireitSettings };
}

/** The same without npm's own start, to compare the graphs alone. */
function bareWireitContender(project: Project): Contender {
  const env = {
    ...wireitSettings,
    npm_lifecycle_event: 'all',
    npm_package_json: path.join(project.root, 'package.json'),
    npm_config_user_agent: 'npm/10',
  };
  return { name: 'wireit alone', command: [process.execPath, path.join(binaries, 'wireit')], folder: project.root, env };
}

function figures(times: Map<string, number>): { deliver: number; loop: number; wireit: number; detail: string } {
  const detail = [...times].map(([name, seconds]) => `${name} ${ms(seconds)}`).join(', ');
  return { deliver: times.get('deliver') ?? NaN, loop: times.get('loop') ?? NaN, wireit: times.get('npm run (wireit)') ?? NaN, detail };
}
