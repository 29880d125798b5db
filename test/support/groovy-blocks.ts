/** A statement of a declarative pipeline: `sh 'npm ci'`, `stage('test') { … }`, `A = credentials('a')`. */
export interface Statement {
  /** The word that it begins with. */
  readonly word: string;
  /** The text between the word and the block or the end of the statement. */
  readonly rest: string;
  readonly line: number;
  readonly block?: readonly Statement[];
}

/** The statements of a Jenkinsfile, as far as they follow the grammar of declarative pipelines. */
export function statementsOf(text: string): readonly Statement[] {
  return new Parser(text).statements();
}

/** Returns the strings in a text of Groovy. */
export function stringsIn(text: string): string[] {
  return [...text.matchAll(string)].map(([whole]) => {
    const quotes = /^('''|"""|'|")/.exec(whole)?.[0] ?? "'";
    return unescaped(whole.slice(quotes.length, -quotes.length));
  });
}

const string = /'''(?:\\[\s\S]|[^\\])*?'''|"""(?:\\[\s\S]|[^\\])*?"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;

function unescaped(text: string): string {
  return text.replace(/\\\n/g, '').replace(/\\(.)/g, (_, letter: string) => ({ n: '\n', t: '\t', r: '\r' })[letter] ?? letter);
}

/** Deeper than any pipeline is, and no danger for the stack. */
const deepest = 50;

class Parser {
  private at = 0;
  private line = 1;

  constructor(private readonly text: string) {}

  statements(depth = 0): readonly Statement[] {
    const found: Statement[] = [];
    for (;;) {
      this.space();
      const letter = this.text[this.at];
      if (letter === undefined) return found;
      if (letter === '}') {
        this.at++;
        return found;
      }
      const { line } = this;
      const [word = ''] = /^[\w.]+/.exec(this.text.slice(this.at, this.at + 200)) ?? [];
      this.skip(word.length);
      const rest = this.rest();
      const opens = this.text[this.at] === '{' && depth < deepest;
      if (this.text[this.at] === '{') this.at++;
      const statement = { word, rest: rest.trim(), line };
      if (opens) found.push({ ...statement, block: this.statements(depth + 1) });
      else if (word !== '' || rest.trim() !== '') found.push(statement);
    }
  }

  /** Up to the block that begins, or to the end of the statement, whichever is first. */
  private rest(): string {
    const from = this.at;
    for (let open = 0; this.at < this.text.length;) {
      const letter = this.text[this.at] ?? '';
      if (this.isComment()) this.space();
      else if (letter === "'" || letter === '"') this.skip(this.stringLength());
      else if (open === 0 && (letter === '{' || letter === '}')) break;
      else if (open === 0 && (letter === '\n' || letter === ';')) {
        const said = this.text.slice(from, this.at);
        this.skip(1);
        return said;
      } else {
        if ('([{'.includes(letter)) open++;
        if (')]}'.includes(letter)) open--;
        this.skip(1);
      }
    }
    return this.text.slice(from, this.at);
  }

  private stringLength(): number {
    const matcher = new RegExp(string.source, 'y');
    matcher.lastIndex = this.at;
    return matcher.exec(this.text)?.[0].length ?? 1;
  }

  private isComment(): boolean {
    return this.text.startsWith('//', this.at) || this.text.startsWith('/*', this.at);
  }

  private space(): void {
    for (;;) {
      if (/[\s;]/.test(this.text[this.at] ?? '')) this.skip(1);
      else if (this.text.startsWith('//', this.at) || (this.at === 0 && this.text.startsWith('#!'))) this.until('\n');
      else if (this.text.startsWith('/*', this.at)) this.until('*/');
      else return;
    }
  }

  private until(end: string): void {
    const found = this.text.indexOf(end, this.at);
    this.skip((found < 0 ? this.text.length : found + end.length) - this.at);
  }

  private skip(count: number): void {
    for (const letter of this.text.slice(this.at, this.at + count)) if (letter === '\n') this.line++;
    this.at += count;
  }
}
