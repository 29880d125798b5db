import type { Matcher } from './matcher';
import { oneLine } from './one-line';
import { patternMatcher } from './pattern';

const eslintStylish = patternMatcher({
  name: 'eslint-stylish',
  begins: { first: '/', holds: [':\\'] },
  patterns: [
    { regexp: /^((?:\/|[A-Za-z]:[\\/]).*\.\w{1,8})$/, file: 1 },
    {
      regexp: /^\s+(\d+):(\d+)\s+(error|warning)\s+(.+?)(?:\s{2,}(\S+))?$/,
      line: 1,
      column: 2,
      severity: 3,
      message: 4,
      code: 5,
      loop: true,
    },
  ],
});

const eslintUnix = oneLine(
  'eslint-unix',
  { holds: [' [Error', ' [Warning'] },
  {
    regexp: /^(?=.* \[(?:Error|Warning)(?:\/[^\]]+)?\]$)(\S.*?):(\d+):(\d+): (.+) \[(Error|Warning)(?:\/([^\]]+))?\]$/,
    file: 1,
    line: 2,
    column: 3,
    message: 4,
    severity: 5,
    code: 6,
  },
);

const eslintCompact = oneLine(
  'eslint-compact',
  { holds: [', Error - ', ', Warning - '] },
  {
    regexp: /^(\S.*?): line (\d+), col (\d+), (Error|Warning) - (.+?)(?: \((\S+)\))?$/,
    file: 1,
    line: 2,
    column: 3,
    severity: 4,
    message: 5,
    code: 6,
  },
);

const shellcheckGcc = oneLine(
  'shellcheck',
  { holds: [' [SC'] },
  {
    regexp: /^(\S.*?):(\d+):(\d+): (error|warning|note): (.+?) \[(SC\d+)\]$/,
    file: 1,
    line: 2,
    column: 3,
    severity: 4,
    message: 5,
    code: 6,
  },
);

/** The column is where the caret points. */
const shellcheck: Matcher = {
  name: 'shellcheck',
  begins: { first: 'I', line: /^In .+ line \d+:$/ },
  start: (found) => {
    let place: { file: string; line: number } | undefined;
    return {
      line(text, number) {
        const head = /^In (.+) line (\d+):$/.exec(text);
        if (head) place = { file: head[1] ?? '', line: Number(head[2]) };
        const told = /^( *)\^-*\^? (SC\d+) \((error|warning|info|style)\): (.+)$/.exec(text);
        if (place && told) {
          const [, indent = '', code, severity, message] = told;
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
  { holds: [': error: ', ': warning: ', ': fatal error: '] },
  {
    regexp: /^(\S.*?\.pyi?):(\d+)(?::(\d+))?: (error|warning): (.+?)(?: {2}\[([\w-]+)\])?$/,
    file: 1,
    line: 2,
    column: 3,
    severity: 4,
    message: 5,
    code: 6,
  },
);

const ruff = oneLine(
  'ruff',
  { holds: ['.py:', '.pyi:', '.ipynb:'] },
  {
    regexp: /^(\S.*?\.(?:pyi?|ipynb)):(\d+):(\d+): ([A-Z]+\d+|SyntaxError|invalid-syntax):? (?:\[\*\] )?(.+)$/,
    file: 1,
    line: 2,
    column: 3,
    code: 4,
    message: 5,
  },
);

const ruffFull = patternMatcher({
  name: 'ruff',
  begins: { first: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' },
  patterns: [
    { regexp: /^([A-Z]{1,5}\d{3,4}) (?:\[\*\] )?(\S.*)$/, code: 1, message: 2 },
    { regexp: /^ *--> (.+):(\d+):(\d+)$/, file: 1, line: 2, column: 3 },
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

/** BuildKit names the line of the Dockerfile before the failure, docker's own builder at most in the message. */
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
