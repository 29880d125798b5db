import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Project } from '../support/project';
import { binaries, cli, inFolder, inTurn, ms, type Row } from './measure';

/** 1.25 million lines of 80 bytes. */
export const flood = `node -e "const b=Buffer.from(('x'.repeat(79)+'\\n').repeat(800));let n=1600;const w=()=>{while(n-->0)if(!process.stdout.write(b))return process.stdout.once('drain',w)};w()"`;

/** A step that prints 100 MB, against the same command into a file. */
export async function floods(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const plain = new Project(folder, 'plain').steps({ flood: { run: flood } }).commit();
    const masked = new Project(folder, 'masked').steps({ flood: { run: flood, secrets: ['TOKEN'] } }).commit();
    const wireit = new Project(folder, 'wireit')
      .write('package.json', JSON.stringify({ scripts: { flood: 'wireit' }, wireit: { flood: { command: flood } } }))
      .commit();
    const env = { DELIVER_HOME: path.join(folder, 'home'), TOKEN: 'a-secret-of-usual-length-0123456789' };
    const times = await inTurn(
      [
        { name: 'into a file', command: ['/bin/sh', '-c', `${flood} > ${path.join(folder, 'out')}`], folder },
        { name: 'deliver', command: [process.execPath, cli, 'run'], folder: plain.root, env },
        { name: 'masked', command: [process.execPath, cli, 'run'], folder: masked.root, env },
        {
          // As its users call it.
          name: 'npm run (wireit)',
          command: ['/bin/sh', '-c', `npm run --silent flood > ${path.join(folder, 'out')}`],
          folder: wireit.root,
          env: { WIREIT_LOGGER: 'simple', PATH: `${binaries}${path.delimiter}${process.env['PATH']}` },
        },
      ],
      5,
    );
    const detail = [...times].map(([name, seconds]) => `${name} ${ms(seconds)}`).join(', ');
    const of = (name: string): number => times.get(name) ?? NaN;
    return [
      { what: '100 MB of output', value: of('deliver') / of('into a file'), bound: { most: 3, unit: '×' }, detail },
      { what: '100 MB of output with a secret', value: of('masked') / of('into a file'), bound: { most: 6, unit: '×' }, detail },
      { what: '100 MB of output, against wireit', value: of('deliver') / of('npm run (wireit)'), bound: { most: 1, unit: '×' }, detail },
      {
        what: 'the runner’s memory meanwhile',
        value: await peakMemory(masked, env),
        bound: { most: 150, unit: ' MB' },
        detail: 'resident, at its highest, with a secret',
      },
    ];
  });
}

async function peakMemory(project: Project, env: Record<string, string>): Promise<number> {
  const child = spawn(process.execPath, [cli, 'run'], { cwd: project.root, env: { ...process.env, ...env }, stdio: 'ignore' });
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      peak = Math.max(peak, Number(kilobytes ?? 0) / 1024);
    } catch {
      // It has just ended, or the system has no /proc.
    }
  }, 5);
  await new Promise((resolve) => child.once('close', resolve));
  clearInterval(timer);
  return peak;
}
