import type { PlainLog } from '../ci-client';

const newline = 0x0a;
/** Bytes of a line after which nothing in it is GitHub's own: a byte order mark, a time, a mark, the line's end. */
const longestHead = 64;
const nothing = Buffer.alloc(0);

/** What GitHub writes before a line: always seven digits, and one space. */
const own = /^(?:\xef\xbb\xbf)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z /;
const byteOrderMark = /^\xef\xbb\xbf/;

/** Marks of the runner, of docs.github.com, workflow commands, as they stand in its logs. */
const marks: Readonly<Record<string, string>> = {
  group: '▸ ',
  error: 'Error: ',
  warning: 'Warning: ',
  notice: 'Notice: ',
  debug: 'Debug: ',
  section: '',
  command: '$ ',
};

/** Logs of GitHub without the times and marks before their lines. Bytes are bytes: what is no UTF-8 stays as it is. */
export function plainGithubLog(): PlainLog {
  // Of the line that is being read, until it is known what of it is GitHub's own.
  let head: Buffer = nothing;
  let isInLine = false;
  let isFirst = true;
  const decide = (): Buffer => {
    const text = plainHead(head.toString('latin1'), isFirst);
    isFirst = false;
    head = nothing;
    return text;
  };
  return {
    push: (bytes) => {
      const made: Buffer[] = [];
      for (let at = 0; at < bytes.length;) {
        const end = bytes.indexOf(newline, at) + 1;
        const isEnd = end > 0;
        const rest = bytes.subarray(at, isEnd ? end : undefined);
        const taken = isInLine ? rest : rest.subarray(0, longestHead - head.length);
        if (isInLine) made.push(taken);
        else {
          head = Buffer.concat([head, taken]);
          if (head.length >= longestHead || head.at(-1) === newline) {
            isInLine = true;
            made.push(decide());
          }
        }
        at += taken.length;
        if (taken.at(-1) === newline) isInLine = false;
      }
      return Buffer.concat(made);
    },
    flush: () => (head.length === 0 ? nothing : decide()),
  };
}

/** The first bytes of a line, each as a character, without what is GitHub's own. */
function plainHead(head: string, isFirst: boolean): Buffer {
  const time = own.exec(head)?.[0];
  const text = time === undefined ? (isFirst ? head.replace(byteOrderMark, '') : head) : head.slice(time.length);
  if (/^##\[endgroup\]\r?\n?$/.test(text)) return nothing;
  const [mark = '', name = ''] = /^##\[([a-z]+)\]/.exec(text) ?? [];
  const instead = name === 'endgroup' ? '' : marks[name];
  const rest = Buffer.from(instead === undefined ? text : text.slice(mark.length), 'latin1');
  return instead === undefined ? rest : Buffer.concat([Buffer.from(instead), rest]);
}
