import { afterColon, matchers } from './format';
import type { Groups } from './groups';
import type { Matcher } from './matcher';

const eslint = [
  ...matchers('eslint-stylish', [
    {
      begins: { first: '/', holds: [':\\'] },
      group: /^(?<file>(?:\/|[A-Za-z]:[\\/]).*\.\w{1,8})$/,
      head: /^\s+(?<line>\d+):(?<column>\d+)\s+(?<severity>error|warning)\s+(?<message>.+?)(?:\s{2,}(?<code>\S+))?$/,
    },
  ]),
  ...matchers('eslint-unix', [
    {
      begins: { holds: [' [Error', ' [Warning'] },
      head: /^(?=.* \[(?:Error|Warning)(?:\/[^\]]+)?\]$)(?<file>\S.*?):(?<line>\d+):(?<column>\d+): (?<message>.+) \[(?<severity>Error|Warning)(?:\/(?<code>[^\]]+))?\]$/,
    },
  ]),
  ...matchers('eslint-compact', [
    {
      begins: { holds: [', Error - ', ', Warning - '] },
      head: /^(?<file>\S.*?): line (?<line>\d+), col (?<column>\d+), (?<severity>Error|Warning) - (?<message>.+?)(?: \((?<code>\S+)\))?$/,
    },
  ]),
];

const styles = ['css', 'scss', 'sass', 'less', 'vue', 'svelte', 'html', 'astro', 'js', 'jsx', 'ts', 'tsx', 'md'];

const stylelint = matchers('stylelint', [
  {
    begins: { holds: styles.map((extension) => `.${extension}\n`) },
    group: /^(?<file>\S.*\.\w{1,8})$/,
    head: /^\s+(?<line>\d+):(?<column>\d+)\s+(?<severity>[✖×⚠‼])\s+(?<message>.+?)\s{2,}(?<code>[\w/@-]+)$/,
  },
]);

const biome = matchers('biome', [
  {
    begins: { holds: [' ━━━━'] },
    head: [
      /^(?<file>\S.*?)(?::(?<line>\d+):(?<column>\d+))? (?<code>lint\/\S+|assist\S*|parse|format|organizeImports|suppressions\/\S+)(?: +FIXABLE)? +━+$/,
      /^\s*$/,
      /^ {2}(?<severity>[×!✖i]) (?<message>.+)$/,
    ],
  },
]);

const shellcheck = matchers('shellcheck', [
  {
    begins: { first: 'I' },
    group: /^In (?<file>.+) line (?<line>\d+):$/,
    groupEnds: /^\s*$|^For more information:/,
    // The caret marks the column.
    head: {
      regexp: /^(?<indent> *)\^-*\^? (?<code>SC\d+) \((?<severity>error|warning|info|style)\): (?<message>.+)$/,
      read: ({ indent = '', ...groups }) => ({ ...groups, column: String(indent.length + 1) }),
    },
  },
  {
    begins: { holds: [' [SC'] },
    head: /^(?<file>\S.*?):(?<line>\d+):(?<column>\d+): (?<severity>error|warning|note): (?<message>.+?) \[(?<code>SC\d+)\]$/,
  },
]);

const python = [
  ...matchers('mypy', [
    {
      begins: { holds: afterColon },
      head: /^(?<file>\S.*?\.pyi?):(?<line>\d+)(?::(?<column>\d+)(?::\d+:\d+)?)?: (?<severity>error|warning): (?<message>.+?)(?: {2}\[(?<code>[\w-]+)\])?$/,
      // `--pretty` wraps a message; its code comes last.
      message: /^(?! {4})(\S.*)$/,
      ends: /^\s|^\S.*\.pyi?:\d+:|^(?:Found|Success)\b/,
      last: /\[[\w-]+\]$/,
      words: (lines) =>
        /\[[\w-]+\]$/.test(lines.at(-1) ?? '') && lines.length < 8 ? lines.map((line) => line.trim()).join(' ') : lines[0],
    },
  ]),
  ...matchers('pyright', [
    {
      begins: { holds: [' - error: ', ' - warning: '] },
      head: /^\s*(?<file>\S.*?\.pyi?):(?<line>\d+):(?<column>\d+) - (?<severity>error|warning): (?<message>.+?)(?: \((?<code>report\w+)\))?$/,
    },
  ]),
  ...matchers('ruff', [
    {
      begins: { holds: ['.py:', '.pyi:', '.ipynb:'] },
      head: /^(?<file>\S.*?\.(?:pyi?|ipynb)):(?<line>\d+):(?<column>\d+): (?<code>[A-Z]+\d+(?= )|SyntaxError|invalid-syntax):? (?:\[\*\] )?(?<message>.+)$/,
    },
    {
      begins: { first: 'ABCDEFGHIJKLMNOPQRSTUVWXYZiu' },
      head: [
        /^(?<code>[A-Z]{1,5}\d{3,4}|invalid-syntax|unformatted):? (?:\[\*\] )?(?<message>\S.*)$/,
        /^ *--> (?<file>.+):(?<line>\d+):(?<column>\d+)$/,
      ],
    },
  ]),
  ...matchers('pylint', [
    {
      columnsFrom0: true,
      begins: { holds: ['.py:', '.pyi:'] },
      head: {
        regexp: /^(?<file>\S.*?\.pyi?):(?<line>\d+):(?<column>\d+): (?<code>(?<kind>[CRWEFI])\d{4}): (?<message>.+?)(?: \([\w-]+\))?$/,
        read: ({ kind, ...groups }): Groups => ({
          ...groups,
          severity: kind === 'W' ? 'warning' : kind === 'E' || kind === 'F' ? 'error' : 'info',
        }),
      },
    },
  ]),
];

const named = (message: string) => (groups: Readonly<Record<string, string | undefined>>) => ({ ...groups, message });

/** Formatters that only check. They name files, often without a line. */
const formatters = [
  ...matchers('prettier', [
    {
      begins: { first: '[' },
      head: /^\[error\] (?<file>\S.*?\.\w+): (?<message>\w*Error: .+?) \((?<line>\d+):(?<column>\d+)\)$/,
    },
    {
      begins: { first: '[' },
      head: { regexp: /^\[warn\] (?<file>(?!.*(?:[.:,] |:\/\/|"))\S.*\.\w{1,8})$/, read: named('is not formatted') },
    },
  ]),
  ...matchers('black', [
    { begins: { first: 'wW' }, head: { regexp: /^[Ww]ould reformat:? (?<file>\S.*\.(?:pyi?|ipynb))$/, read: named('is not formatted') } },
    {
      begins: { holds: ['error: cannot '] },
      head: /^error: cannot format (?<file>\S.*?): (?<message>Cannot parse.*?: (?<line>\d+):\d+: .*)$/,
    },
    {
      begins: { holds: ['error: cannot '] },
      head: [/^error: cannot parse: (?<file>\S.*):(?<line>\d+):\d+$/, /^ +(?<message>\S.*)$/],
    },
  ]),
  ...matchers('isort', [{ begins: { first: 'E' }, head: /^ERROR: (?<file>\S.*\.pyi?) (?<message>Imports are incorrectly sorted.*)$/ }]),
  ...matchers('rustfmt', [
    {
      begins: { first: 'D' },
      head: { regexp: /^Diff in (?<file>\S.*\.rs)(?::| at line )(?<line>\d+):$/, read: named('is not formatted') },
    },
  ]),
  ...matchers('gofmt', [
    { begins: { first: 'd' }, head: { regexp: /^diff (?:-u )?\S+\.go\.orig (?<file>\S+\.go)$/, read: named('is not formatted') } },
    {
      begins: { holds: ['gofmt', 'gofumpt', 'goimports'] },
      group: /\b(?:gofmt|gofumpt|goimports)\b/,
      head: { regexp: /^(?<file>[^\s:]+\.go)$/, read: named('is not formatted') },
    },
    // `gofmt -l` prints names alone.
    { isWholeLog: true, begins: { holds: ['.go\n'] }, head: { regexp: /^(?<file>[^\s:]+\.go)$/, read: named('is not formatted') } },
  ]),
];

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
const github = matchers('github', [
  {
    begins: { first: ':' },
    head: {
      regexp: /^::(?<severity>error|warning|notice)(?: (?<properties>.*?))?::(?<text>.*)$/,
      read: ({ severity, properties = '', text = '' }) => {
        const given = new Map(
          properties.split(',').map((pair) => {
            const [name = '', ...value] = pair.split('=');
            return [name.trim(), decoded(value.join('=')).replace(/%3A/gi, ':').replace(/%2C/gi, ',')];
          }),
        );
        const message = [given.get('title'), decoded(text)].filter(Boolean).join(': ');
        const place = { file: given.get('file'), line: given.get('line'), column: given.get('col') };
        return Object.fromEntries(
          Object.entries({ severity, message, ...(place.file && place) }).filter(([, value]) => value !== undefined),
        );
      },
    },
  },
]);

function decoded(text: string): string {
  return text.replace(/%0D/gi, '').replace(/%0A/gi, '\n').replace(/%25/g, '%');
}

/** BuildKit prints the line of the Dockerfile before the failure. The legacy builder may name it in the message. */
const docker = matchers('docker', [
  {
    begins: { first: 'EefTCAd', holds: ['Dockerfile'] },
    before: /^\S*Dockerfile\S*:\d+$/,
    head: /^(?:ERROR: |Error response from daemon: )?(?<message>(?:failed to (?:solve|build|compute cache key)|executor failed running|The command .* returned a non-zero code: \d|(?:COPY|ADD) failed: |dockerfile parse error |failed to create shim task: ).*)$/,
    message: /(?!)/,
    place: /^(?<file>\S*Dockerfile\S*):(?<line>\d+)$/,
    ends: /^/,
  },
]);

export const linterMatchers: readonly Matcher[] = [
  ...eslint,
  ...stylelint,
  ...biome,
  ...shellcheck,
  ...python,
  ...formatters,
  ...github,
  ...docker,
];
