import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Project } from '../support/project';
import { inFolder, median, type Row } from './measure';

const switches = 10;
const perSecond = 500;

/** A request as its sender saw it, with times in milliseconds of the sender's clock. */
interface Answer {
  readonly sent: number;
  readonly got: number;
  /** The release that answered; absent: the request failed, for `error`. */
  readonly release?: number;
  readonly error?: string;
}

/** Ten releases one after the other take over from each other while customers ask 500 times a second. */
export async function switchUnderLoad(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const shop = new Project(folder).steps(
      { stage: { deploy: 'staging' } },
      { environments: { staging: { process: { command: 'exec node server.js', health: { path: '/' } }, watch: 'off' } } },
    );
    const deliver = async (release: number): Promise<void> => {
      const { code, stderr } = await shop.write('server.js', serving(release)).commit(`Release ${release}`).deliver('run');
      if (code !== 0) throw new Error(`release ${release} was not delivered: ${stderr}`);
    };
    try {
      await deliver(0);
      const [staging] = await shop.json<{ services: { url: string }[] }[]>('environment');
      const load = startLoad(staging?.services[0]?.url ?? '');
      for (let release = 1; release <= switches; release++) await deliver(release);
      return rows(await load.end());
    } finally {
      await shop.close();
    }
  });
}

function rows(answers: readonly Answer[]): Row[] {
  const failed = answers.filter(({ error }) => error !== undefined);
  const times = Array.from({ length: switches }, (_, index) => {
    const first = Math.min(...answers.filter(({ release }) => release === index + 1).map(({ got }) => got));
    const last = Math.max(...answers.filter(({ release }) => release === index).map(({ sent }) => sent));
    return Math.max(0, first - last);
  });
  const reasons = [...new Set(failed.map(({ error }) => error))].join(', ');
  const load = `${answers.length} requests, ${perSecond} a second, half of them on new connections`;
  return [
    {
      what: 'a switch: from the last request of the old release to the first answer of the new one',
      value: Math.max(...times),
      bound: { most: 100, unit: ' ms' },
      detail: `the longest of ${switches}, median ${median(times).toFixed(1)} ms`,
    },
    { what: 'requests that failed', value: failed.length, bound: { most: 0, unit: '' }, detail: `of ${load}${reasons && `: ${reasons}`}` },
  ];
}

/** A process of its own, which asks on a fixed schedule, however long answers take. */
function startLoad(url: string): { end(): Promise<Answer[]> } {
  const child = spawn(process.execPath, ['-e', load, url, String(1000 / perSecond)], { stdio: ['pipe', 'pipe', 'inherit'] });
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
  return {
    end: async () => {
      child.stdin.end();
      await once(child, 'close');
      return JSON.parse(told) as Answer[];
    },
  };
}

const load = `
const http = require('node:http');
const [, url, every] = process.argv;
const kept = new http.Agent({ keepAlive: true, maxSockets: 64 });
const answers = [];
const began = performance.now();
let count = 0, open = 0, ending = false;
const ask = (agent) => {
  const sent = performance.now();
  open++;
  let over = false;
  const done = (more) => { if (over) return; over = true; open--; answers.push({ sent, got: performance.now(), ...more }); };
  const request = http.get(url, { agent, timeout: 5000 }, (response) => {
    let text = '';
    response.on('data', (chunk) => (text += chunk));
    response.on('end', () => done(response.statusCode === 200 ? { release: Number(text) } : { error: 'status ' + response.statusCode }));
    response.on('error', (error) => done({ error: error.code || error.message }));
  });
  request.on('timeout', () => request.destroy(new Error('timeout')));
  request.on('error', (error) => done({ error: error.code || error.message }));
};
const clock = setInterval(() => {
  while (!ending && count * every <= performance.now() - began) ask(count++ % 2 ? kept : false);
  if (!ending || open > 0) return;
  clearInterval(clock);
  kept.destroy();
  process.stdout.write(JSON.stringify(answers));
}, 1);
process.stdin.on('end', () => (ending = true)).resume();
`;

function serving(release: number): string {
  return `require('node:http').createServer((_, response) => response.end('${release}')).listen(process.env.PORT, '127.0.0.1');\n`;
}
