/** A simple command of a shell script, as far as it can be read without running it. */
export interface ShellCommand {
  readonly words: readonly string[];
  /** The first line, from 0. */
  readonly line: number;
  /** The input comes from a file, a text or another command. */
  readonly isFed: boolean;
}

/** Words before a command that are not the command itself. */
const before = /^(?:!|\{|if|then|elif|else|while|until|do|time|exec|command|env|\w+=.*)$/s;

/** Returns the simple commands of a shell script, up to the first here-document. */
export function shellCommands(text: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let [line, begun, isFed] = [0, 0, false];
  const endWord = (): void => {
    if (word !== undefined && (words.length > 0 || !before.test(word))) {
      if (words.length === 0) begun = line;
      words.push(word);
    }
    word = undefined;
  };
  const endCommand = (feedsNext = false): void => {
    endWord();
    if (words.length > 0) commands.push({ words, line: begun, isFed });
    words = [];
    isFed = feedsNext;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\') {
      if (text[at + 1] === '\n') line++;
      else word = (word ?? '') + (text[at + 1] ?? '');
      at++;
    } else if (char === "'" || char === '"') {
      const end = closing(text, at, char);
      const quoted = text.slice(at + 1, end);
      word = (word ?? '') + quoted;
      line += quoted.split('\n').length - 1;
      at = end;
    } else if (char === '#' && word === undefined) {
      const end = text.indexOf('\n', at);
      at = (end < 0 ? text.length : end) - 1;
    } else if (char === '<') {
      if (/^<<-?\s*['"\\]?\w/.test(text.slice(at))) {
        isFed = true;
        break;
      }
      isFed = true;
      endWord();
    } else if (char === '\n' || char === ';' || char === '&' || char === '|' || char === '(' || char === ')') {
      const isPipe = char === '|' && text[at + 1] !== '|' && text[at - 1] !== '|';
      endCommand(isPipe);
      if (char === '\n') line++;
    } else if (/\s/.test(char)) endWord();
    else word = (word ?? '') + char;
  }
  endCommand();
  return commands;
}

function closing(text: string, open: number, quote: string): number {
  for (let at = open + 1; at < text.length; at++) {
    if (quote === '"' && text[at] === '\\') at++;
    else if (text[at] === quote) return at;
  }
  return text.length;
}
