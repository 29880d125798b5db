import { execFile } from 'node:child_process';
import * as fs from 'node:fs';

/** Returns a hint for a release that listens on another port than its own, or an empty text. */
export async function portHint(processes: readonly number[]): Promise<string> {
  const [port] = await listeningPorts(processes);
  return port === undefined ? '' : `. It listens on port ${port} instead: let it listen on the port in the variable PORT`;
}

/** Returns the TCP ports on which processes listen. Empty if the system does not say. */
export async function listeningPorts(processes: readonly number[]): Promise<number[]> {
  if (processes.length === 0 || process.platform === 'win32') return [];
  return process.platform === 'linux' ? portsOnLinux(processes) : portsOnUnix(processes);
}

function portsOnLinux(processes: readonly number[]): number[] {
  const sockets = new Set(processes.flatMap(socketsOf));
  return ['tcp', 'tcp6'].flatMap((table) =>
    read(`/proc/net/${table}`)
      .split('\n')
      .flatMap((line) => {
        const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
        return state === '0A' && sockets.has(inode) ? [parseInt(local.split(':').at(-1) ?? '', 16)] : [];
      }),
  );
}

function socketsOf(pid: number): string[] {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${name}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    });
  } catch {
    return []; // it has just ended
  }
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function portsOnUnix(processes: readonly number[]): Promise<number[]> {
  return new Promise((resolve) => {
    execFile('lsof', ['-nP', '-a', '-iTCP', '-sTCP:LISTEN', '-Fn', '-p', processes.join(',')], { timeout: 5_000 }, (_, stdout) =>
      resolve([...String(stdout).matchAll(/^n.*:(\d+)$/gm)].map((match) => Number(match[1]))),
    );
  });
}
