import { stringify } from 'yaml';

interface ExportedCommand {
  readonly run: string;
  readonly passes: boolean;
  readonly retries?: number;
  readonly timeout?: string;
}

/** Commands with the result of a local run. Shells of CI services differ from `sh`, and stop at the first failure. */
export const exportedCommands: Readonly<Record<string, ExportedCommand>> = {
  'stops-by-set-e': { run: 'set -e\nfalse\necho all good', passes: false },
  'stops-by-set-e-with-retries': { run: 'set -e\nfalse\necho all good', passes: false, retries: 1 },
  'ignores-a-failure-in-between': { run: 'false\necho all good', passes: true },
  'fails-in-a-pipe': { run: 'false | cat', passes: true },
  'fails-in-a-list': { run: 'true; false', passes: false },
  'needs-an-unset-variable': { run: 'set -eu\necho "$MISSING_VARIABLE"\necho all good', passes: false },
  'calls-bash-syntax': { run: '[[ a == a ]]', passes: false },
  'writes-an-escape': { run: `test "$(echo 'a\\tb')" = "$(printf 'a\\tb')"`, passes: true },
  exits: { run: 'exit 3', passes: false },
  'exits-early': { run: 'exit 0\nfalse', passes: true },
  'quotes-anything': { run: `test "it's" = 'it'\\''s' && test '$HOME' = "\\$HOME"`, passes: true },
  'reads-a-here-document': { run: `test "$(cat <<'END'\n$HOME's\nEND\n)" = "\\$HOME's"`, passes: true },
  'passes-at-the-second-attempt': { run: 'echo x >> attempts; test $(wc -l < attempts) -ge 2', passes: true, retries: 1 },
  'hangs-once': { run: 'test -f hung || { touch hung; sleep 30; }', passes: true, retries: 1, timeout: '2s' },
  hangs: { run: 'sleep 30', passes: false, timeout: '1s' },
  'installs-a-program': {
    run: `mkdir -p node_modules/.bin && printf '#!/bin/sh\\necho installed\\n' > node_modules/.bin/own-tool && chmod +x node_modules/.bin/own-tool && own-tool`,
    passes: true,
  },
};

/** Returns a `delivery.yaml` with these commands as steps. */
export function exportedDefinition(more: { readonly inputs?: readonly string[] } = {}): string {
  const steps = Object.entries(exportedCommands).map(([name, { run, retries, timeout }]) => [
    name,
    { run, ...(retries && { retries }), ...(timeout && { timeout }), ...more },
  ]);
  return stringify({ service: 'shop', steps: Object.fromEntries(steps) as object });
}
