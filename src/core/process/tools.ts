import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

/** A version of a program that a file of the project asks for. */
export interface WantedVersion {
  readonly tool: string;
  readonly wanted: string;
  /** The name of the file. */
  readonly file: string;
  /** The number of parts of a plain version that must be equal: 1 for the major version. */
  readonly parts: number;
}

type Source = readonly [file: string, version: RegExp];

const pin = /^\s*(?:[a-z]+-)?v?(\d\S*)/m;
const asdf = (name: string): Source => ['.tool-versions', new RegExp(`^${name}\\s+(?:[a-z]+-)?(\\d\\S*)`, 'm')];
const manager = (name: string): Source => ['package.json', new RegExp(`"packageManager"\\s*:\\s*"${name}@(\\d[^"+]*)`)];

/** The programs whose version a project can ask for. The first source that is found counts. */
const versioned: readonly { tool: string; parts: number; flag?: string; sources: readonly Source[] }[] = [
  { tool: 'node', parts: 1, sources: [['.nvmrc', pin], ['.node-version', pin], asdf('nodejs'), ['package.json', /"engines"\s*:\s*\{[^}]*"node"\s*:\s*"([^"]+)"/]] }, // prettier-ignore
  { tool: 'npm', parts: 1, sources: [manager('npm')] },
  { tool: 'pnpm', parts: 1, sources: [manager('pnpm'), asdf('pnpm')] },
  { tool: 'yarn', parts: 1, sources: [manager('yarn'), asdf('yarn')] },
  { tool: 'bun', parts: 1, sources: [manager('bun'), ['.bun-version', pin], asdf('bun')] },
  {
    tool: 'python3',
    parts: 2,
    sources: [['.python-version', pin], asdf('python'), ['pyproject.toml', /^requires-python\s*=\s*["']([^"']+)/m]],
  },
  { tool: 'go', parts: 2, flag: 'version', sources: [['.go-version', pin], asdf('golang')] },
  { tool: 'java', parts: 1, flag: '-version', sources: [['.java-version', pin], ['.sdkmanrc', /^java=(\d[\d.]*)/m], asdf('java'), ['pom.xml', /<(?:java\.version|maven\.compiler\.release)>(\d+)</]] }, // prettier-ignore
  { tool: 'ruby', parts: 2, sources: [['.ruby-version', pin], asdf('ruby')] },
  { tool: 'php', parts: 2, sources: [asdf('php')] },
];

/** Programs that a machine may lack, as the commands of steps and environments call them. */
const known = new Set(
  `ant bazel bun bundle cargo cmake composer deno docker docker-compose dotnet elixir gem go gradle helm java javac kubectl make mix mvn
   node npm npx php pip pip3 pipenv pnpm podman poetry python python3 rake ruby rustc sbt swift terraform uv yarn`.split(/\s+/),
);

/** Returns the known programs that a shell command needs in any case: the first ones of its parts, up to the first alternative. */
export function programsOf(command: string): string[] {
  const certain = command.replace(/\\\n/g, ' ').split(/\|\||\b(?:if|case|while|for|until|function)\b|[({]/)[0] ?? '';
  const names = certain
    .split(/&&|;|\||\n/)
    .map((part) => /^\s*(?:(?:exec|env|time)\s+)*(?:[A-Za-z_]\w*=\S*\s+)*([\w.-]+)(?=\s|$)/.exec(part)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined && known.has(name)))] as string[];
}

/** Returns the file of a program in the folders of a `PATH`. */
export function findProgram(name: string, searched: string): string | undefined {
  const endings = process.platform === 'win32' ? (process.env['PATHEXT'] ?? '.EXE;.CMD;.BAT').split(';') : [''];
  for (const folder of searched.split(path.delimiter)) {
    for (const ending of endings) {
      const file = path.join(folder, name + ending);
      try {
        fs.accessSync(file, fs.constants.X_OK);
        if (fs.statSync(file).isFile()) return file;
      } catch {
        // not in this folder
      }
    }
  }
  return undefined;
}

/** Returns the versions that the files of a folder or of the folders above it ask for, up to `root`. */
export function wantedVersions(folder: string, root: string): WantedVersion[] {
  const folders: string[] = [];
  for (let at = folder; ; at = path.dirname(at)) {
    folders.push(at);
    if (at === root || at === path.dirname(at) || folders.length > 20) break;
  }
  return versioned.flatMap(({ tool, parts, sources }) => {
    for (const at of folders) {
      for (const [file, version] of sources) {
        const wanted = version.exec(textOf(path.join(at, file)))?.[1]?.trim();
        if (wanted === undefined) continue;
        // Java compiles for all earlier versions.
        return [{ tool, parts, file, wanted: file === 'pom.xml' ? `>=${wanted}` : wanted }];
      }
    }
    return [];
  });
}

/** Returns a sentence if the installed version of a program is not the wanted one. A program that is not installed has none. */
export async function versionProblem(
  { tool, wanted, file, parts }: WantedVersion,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const flag = versioned.find((one) => one.tool === tool)?.flag ?? '--version';
  const program = findProgram(tool, pathOf(env));
  if (program === undefined) return undefined;
  const output = await outputOf(program, flag, folder, env);
  const installed = /(\d+(?:\.\d+)*)/.exec(output)?.[1];
  if (installed === undefined) return `${file} asks for ${tool} ${wanted}, and \`${tool} ${flag}\` says: ${output.trim().split('\n')[0]}`;
  if (satisfies(installed, wanted, parts)) return undefined;
  return `${file} asks for ${tool} ${wanted}, but ${tool} ${installed} is installed here`;
}

export function pathOf(env: NodeJS.ProcessEnv): string {
  const name = Object.keys(env).find((one) => one.toUpperCase() === 'PATH');
  return (name === undefined ? undefined : env[name]) ?? '';
}

async function outputOf(program: string, flag: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve) => {
    // Version managers choose by the folder.
    const shell = process.platform === 'win32';
    execFile(program, [flag], { cwd, env, timeout: 10_000, windowsHide: true, shell }, (_, stdout, stderr) => resolve(stdout || stderr));
  });
}

function textOf(file: string): string {
  try {
    return fs.statSync(file).size > 200_000 ? '' : fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Returns true if a version is in a range as package.json, pyproject.toml or a version file write it. `parts` of a plain version count.
 * A range that cannot be read is satisfied.
 */
export function satisfies(version: string, range: string, parts: number): boolean {
  const has = version.split('.').map(Number);
  return range.split('||').some((alternative) => {
    const [from, to] = alternative.trim().split(/\s+-\s+/);
    const comparators = to === undefined ? [...alternative.matchAll(/([<>=!~^]*)\s*v?(\d[\w.*-]*)/g)] : [['', '>=', from], ['', '<=', to]]; // prettier-ignore
    return comparators.every(([, operator = '', text = '']) => {
      const wanted = text.replace(/[-+].*$/, '').split('.').map(Number); // prettier-ignore
      const known = wanted.findIndex(Number.isNaN) < 0 ? wanted : wanted.slice(0, wanted.findIndex(Number.isNaN));
      const difference = compare(has, known);
      const isSame = (count: number): boolean => compare(has, known.slice(0, count)) === 0;
      switch (operator) {
        case '>=':
          return difference >= 0;
        case '>':
          return difference > 0;
        case '<=':
          return difference <= 0;
        case '<':
          return difference < 0;
        case '!=':
          return difference !== 0;
        case '^':
          return difference >= 0 && isSame(known[0] === 0 ? 2 : 1);
        case '~':
          return difference >= 0 && isSame(2);
        case '~=':
          return difference >= 0 && isSame(Math.max(1, known.length - 1));
        default:
          return isSame(parts);
      }
    });
  });
}

/** Compares the parts that `wanted` has. */
function compare(has: readonly number[], wanted: readonly number[]): number {
  for (const [index, part] of wanted.entries()) {
    const difference = (has[index] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
}
