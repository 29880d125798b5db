const detail = /^(?:[-+] )?((?:expected|received|actual|got|want|left|right|but was)\b[^:]{0,30}?)\s*:\s*(\S.*)$/i;

/** The header of a diff, and which side stands for what was expected. */
const diffs: readonly (readonly [header: RegExp, expected: '+' | '-'])[] = [
  [/\+ expected|\+ Expected/, '+'],
  [/- expected|- Expected/, '-'],
];

/** Returns the failure in one sentence, with what was expected and what came instead. */
export function sentence(lines: readonly string[]): string {
  const trimmed = lines.map((line) => line.trim()).filter((line) => line !== '');
  const [first = '', second] = trimmed;
  const isDiff = /^[-+] /.test(second ?? '');
  const isIntroduction = /[:,]$/.test(first) && second !== undefined && !isDiff;
  const said = isIntroduction ? `${first} ${normal(second)}` : isDiff ? first.replace(/:$/, '') : normal(first);
  const rest = trimmed.slice(isIntroduction ? 2 : 1);
  const listed = rest.flatMap((line) => {
    const [, label, value] = detail.exec(line) ?? [];
    return label === undefined || value === undefined ? [] : [{ label, value }];
  });
  const details = listed.length > 0 ? listed.slice(0, 2) : diffIn(trimmed);
  if (details.every(({ value }) => said.includes(value))) return said;
  const introduces = detail.test(isIntroduction ? (second ?? '') : first);
  return `${said}${introduces ? ', ' : ': '}${details.map(({ label, value }) => `${label}: ${value}`).join(', ')}`;
}

/** Returns all lines as one, for a tool that explains values on lines of their own. */
export function joined(lines: readonly string[]): string {
  const trimmed = lines.map((line) => line.trim()).filter((line) => line !== '');
  return trimmed.slice(0, 8).reduce((all, line) => (all === '' ? line : `${all}${all.endsWith(':') ? ' ' : ', '}${line}`), '');
}

function normal(line: string): string {
  const [, label, value] = detail.exec(line) ?? [];
  return label === undefined ? line : `${label}: ${value}`;
}

/** Returns the two sides of a diff of one line. */
function diffIn(lines: readonly string[]): { label: string; value: string }[] {
  for (const [header, expected] of diffs) {
    const at = lines.findIndex((line) => header.test(line));
    if (at < 0) continue;
    const sides = lines.slice(at + 1).flatMap((line) => /^([-+])\s*(?!\s|Expected|Received|Actual)(\S.*?),?$/.exec(line) ?? []);
    const [, one = '', first = '', , other = '', second = ''] = sides;
    if (sides.length !== 6 || one === other) return [];
    const [wanted, got] = one === expected ? [first, second] : [second, first];
    return [
      { label: 'expected', value: wanted },
      { label: 'actual', value: got },
    ];
  }
  return [];
}
