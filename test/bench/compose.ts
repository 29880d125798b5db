import * as fs from 'node:fs';
import * as path from 'node:path';
import { baseImage, startEngine } from '../support/docker';
import { Project } from '../support/project';
import { cli, inFolder, inTurn, ms, type Row } from './measure';

/** The addresses of the two. */
const ports = { hand: 28_461, deliver: 28_462 };

/** As much work as compiling and bundling a small service: three seconds or so. */
const build = 'head -c 120000000 /dev/urandom | gzip | gzip > built.gz';

/** A changed service that goes to an environment of containers, against compose by hand until it answers. */
export async function composeByHand(): Promise<Row[]> {
  const engine = await startEngine();
  if ('unsupported' in engine) {
    console.log(`skipped compose: ${engine.unsupported}`);
    return [];
  }
  try {
    return await inFolder(compare);
  } finally {
    await engine.stop();
  }
}

async function compare(folder: string): Promise<Row[]> {
  const project = (name: keyof typeof ports): Project =>
    new Project(folder, name)
      .write('Dockerfile', `FROM ${baseImage}\nWORKDIR /app\nCOPY . .\nRUN ${build}\nCMD ["sh", "start.sh"]\n`)
      .write('start.sh', "trap 'exit 0' TERM\nhttpd -f -p 80 -h /app &\nwait\n")
      .write('compose.yaml', 'services:\n  shop:\n    build: .\n    ports: ["127.0.0.1:${PORT}:80"]\n')
      .steps(
        { stage: { deploy: 'staging' } },
        { environments: { staging: { compose: { env: { PORT: String(ports[name]) }, health: { path: '/index.html' } } } } },
      )
      .write('index.html', 'nothing yet')
      .commit();
  const [hand, deliver] = [project('hand'), project('deliver')];
  let round = 0;
  const change =
    ({ root }: Project) =>
    () =>
      fs.writeFileSync(path.join(root, 'index.html'), `round ${++round}`);
  const upByHand = `docker compose up -d --build 2>/dev/null || docker-compose up -d --build 2>/dev/null`;
  const answers = `until busybox wget -q -O /dev/null http://127.0.0.1:${ports.hand}/index.html; do sleep 0.02; done`;
  const times = await inTurn(
    [
      {
        name: 'by hand',
        command: ['/bin/sh', '-c', `{ ${upByHand}; } && ${answers}`],
        folder: hand.root,
        env: { PORT: String(ports.hand) },
        prepare: change(hand),
      },
      {
        name: 'deliver run',
        command: [process.execPath, cli, 'run'],
        folder: deliver.root,
        env: { DELIVER_HOME: deliver.home },
        prepare: change(deliver),
      },
    ],
    5,
  );
  const of = (name: string): number => times.get(name) ?? NaN;
  const value = of('deliver run') / of('by hand');
  const detail = [...times].map(([name, seconds]) => `${name} ${ms(seconds)}`).join(', ');
  const added = (of('deliver run') - of('by hand')) * 1000;
  return [
    { what: 'a delivery to containers, against compose by hand', value, bound: { most: 1.1, unit: '×' }, detail },
    { what: 'what a delivery to containers adds', value: added, bound: { most: 400, unit: ' ms' }, detail },
  ];
}
