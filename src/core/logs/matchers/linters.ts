import type { Matcher } from './matcher';
import { afterColon, oneLine, patternMatcher } from './pattern';

const eslintStylish = patternMatcher({
  name: 'eslint-stylish',
  begins: { first: '/', holds: [':\\'] },
  patterns: [
    { regexp: /^(?<file>(?:\/|[A-Za-z]:[\\/]).*\.\w{1,8})$/ },
    { regexp: /^\s+(?<line>\d+):(?<column>\d+)\s+(?<severity>error|warning)\s+(?<message>.+?)(?:\s{2,}(?<code>\S+))?$/, loop: true },
  ],
});

const eslintUnix = oneLine(
  'eslint-unix',
  { holds: [' [Error', ' [Warning'] },
  /^(?=.* \[(?:Error|Warning)(?:\/[^\]]+)?\]$)(?<file>\S.*?):(?<line>\d+):(?<column>\d+): (?<message>.+) \[(?<severity>Error|Warning)(?:\/(?<code>[^\]]+))?\]$/,
);

const eslintCompact = oneLine(
  'eslint-compact',
  { holds: [', Error - ', ', Warning - '] },
  /^(?<file>\S.*?): line (?<line>\d+), col (?<column>\d+), (?<severity>Error|Warning) - (?<message>.+?)(?: \((?<code>\S+)\))?$/,
);

const shellcheckGcc = oneLine(
  'shellcheck',
  { holds: [' [SC'] },
  /^(?<file>\S.*?):(?<line>\d+):(?<column>\d+): (?<severity>error|warning|note): (?<message>.+?) \[(?<code>SC\d+)\]$/,
);

/** The caret marks the column. */
const shellcheck: Matcher = {
  name: 'shellcheck',
  begins: { first: 'I', line: /^In .+ line \d+:$/ },
  start: (found) => {
    let place: { file: string; line: number } | undefined;
    return {
      line(text, number) {
        const head = /^In (.+) line (\d+):$/.exec(text);
        if (head) place = { file: head[1] ?? '', line: Number(head[2]) };
        const finding = /^( *)\^-*\^? (SC\d+) \((error|warning|info|style)\): (.+)$/.exec(text);
        if (place && finding) {
          const [, indent = '', code, severity, message] = finding;
          found({
            severity: severity === 'error' || severity === 'warning' ? severity : 'info',
            message: `${message} (${code})`,
            source: 'shellcheck',
            ...place,
            column: indent.length + 1,
            logLine: number,
          });
        }
        if (text.trim() === '' || text.startsWith('For more information:')) place = undefined;
        return place !== undefined;
      },
      end: () => {},
    };
  },
};

const mypy = oneLine(
  'mypy',
  afterColon,
  /^(?<file>\S.*?\.pyi?):(?<line>\d+)(?::(?<column>\d+))?: (?<severity>error|warning): (?<message>.+?)(?: {2}\[(?<code>[\w-]+)\])?$/,
);

const ruff = oneLine(
  'ruff',
  { holds: ['.py:', '.pyi:', '.ipynb:'] },
  /^(?<file>\S.*?\.(?:pyi?|ipynb)):(?<line>\d+):(?<column>\d+): (?<code>[A-Z]+\d+|SyntaxError|invalid-syntax):? (?:\[\*\] )?(?<message>.+)$/,
);

const ruffFull = patternMatcher({
  name: 'ruff',
  begins: { first: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' },
  patterns: [
    { regexp: /^(?<code>[A-Z]{1,5}\d{3,4}) (?:\[\*\] )?(?<message>\S.*)$/ },
    { regexp: /^ *--> (?<file>.+):(?<line>\d+):(?<column>\d+)$/ },
  ],
});

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
const github: Matcher = {
  name: 'github',
  begins: { first: ':', line: /^::(?:error|warning|notice)[ :]/ },
  start: (found) => ({
    line(text, number) {
      const [, kind, properties = '', message = ''] = /^::(error|warning|notice)(?: (.*?))?::(.*)$/.exec(text) ?? [];
      if (kind === undefined) return false;
      const given = new Map(
        properties.split(',').map((pair) => {
          const [name = '', ...value] = pair.split('=');
          return [name.trim(), decoded(value.join('=')).replace(/%3A/gi, ':').replace(/%2C/gi, ',')];
        }),
      );
      const [file, title] = [given.get('file'), given.get('title')];
      const [line, column] = [given.get('line'), given.get('col')].map((value) =>
        /^\d{1,9}$/.test(value ?? '') ? Number(value) : undefined,
      );
      found({
        severity: kind === 'notice' ? 'info' : kind === 'warning' ? 'warning' : 'error',
        message: [title, decoded(message)].filter(Boolean).join(': '),
        source: 'github',
        ...(file && { file }),
        ...(file && line !== undefined && { line, ...(column !== undefined && { column }) }),
        logLine: number,
      });
      return false;
    },
    end: () => {},
  }),
};

function decoded(text: string): string {
  return text.replace(/%0D/gi, '').replace(/%0A/gi, '\n').replace(/%25/g, '%');
}

const dockerFailure =
  /^(?:ERROR: |Error response from daemon: )?((?:failed to (?:solve|build|compute cache key)|executor failed running|The command .* returned a non-zero code: \d|(?:COPY|ADD) failed: |dockerfile parse error |failed to create shim task: ).*)$/;

/** BuildKit prints the line of the Dockerfile before the failure. The legacy builder may name it in the message. */
const docker: Matcher = {
  name: 'docker',
  begins: {
    first: 'EefTCAd',
    holds: ['Dockerfile'],
    line: new RegExp(`${dockerFailure.source}|^\\S*Dockerfile\\S*:\\d+$`),
  },
  start: (found) => {
    let place: { file: string; line: number } | undefined;
    return {
      line(text, number) {
        const named = /^(\S*Dockerfile\S*):(\d+)$/.exec(text);
        if (named) place = { file: named[1] ?? '', line: Number(named[2]) };
        const message = dockerFailure.exec(text)?.[1];
        if (message === undefined) return place !== undefined;
        found({ severity: 'error', message, source: 'docker', ...place, logLine: number });
        place = undefined;
        return false;
      },
      end: () => {},
    };
  },
};

export const linterMatchers: readonly Matcher[] = [
  eslintStylish,
  eslintUnix,
  eslintCompact,
  shellcheck,
  shellcheckGcc,
  mypy,
  ruff,
  ruffFull,
  github,
  docker,
];
