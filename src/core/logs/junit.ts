import { SaxesParser } from 'saxes';
import type { FoundProblem, Frame } from '../model/problem';
import { joined, sentence } from './matchers/sentence';
import { traceFrames } from './trace-frames';

const deepest = 100;
const longestText = 100_000;
const longestMessage = 500;

const mostOfTest = 100;

/** The stack of a further failure is not read. */
const mostStacks = 2000;

export interface ReportedTest {
  readonly name: string;
  readonly type: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly failures: Failure[];
}

interface Failure {
  readonly message: string;
  readonly type: string;
  text: string;
}

/** A report with an error is discarded as a whole, because failures after the error are missing. */
export interface JunitRead {
  readonly problems: FoundProblem[];
  readonly error?: string;
}

/**
 * Reads the failing tests of a report in the JUnit XML format (https://github.com/testmoapp/junitxml). Custom entities are
 * never expanded.
 */
export function readJunit(content: Buffer): JunitRead {
  const text = decode(content);
  if (text.includes('\0')) return { problems: [], error: 'it holds NUL bytes: it is no text' };
  if (text.trim() === '') return { problems: [], error: 'the file is empty: was the run ended before it was written?' };
  const parser = new SaxesParser({ position: true, xmlns: false } as const);
  const problems: FoundProblem[] = [];
  const suites: { name: string; file: string | undefined }[] = [];
  let test: ReportedTest | undefined;
  let failure: Failure | undefined;
  let depth = 0;
  // Throwing stops the parser, which would otherwise continue after each error.
  const fail = (message: string): never => {
    throw new Unreadable(`line ${parser.line}, column ${parser.columnIndex + 1}: ${message}`);
  };

  parser.on('error', ({ message }) => fail(message.replace(/^\d+:\d+:\s*/, '')));
  parser.on('doctype', (declaration) => {
    if (/<!ENTITY/i.test(declaration)) fail('it declares entities of its own, which are not read');
  });
  parser.on('opentag', ({ name, attributes }) => {
    depth += 1;
    if (depth > deepest) return fail(`elements lie more than ${deepest} deep in each other`);
    if (depth === 1 && !/^(testsuites?|testcase)$/.test(name)) return fail(`<${name}> is no JUnit report`);
    if (name === 'testsuite') suites.push({ name: attributes['name'] ?? '', file: attributes['file'] });
    if (name === 'testcase') test = testOf(attributes, suites.at(-1));
    failure = undefined;
    if (!test || (name !== 'failure' && name !== 'error')) return;
    failure = { message: attributes['message'] ?? '', text: '', type: attributes['type'] ?? '' };
    if (test.failures.length < mostOfTest) test.failures.push(failure);
  });
  const add = (piece: string): void => {
    if (failure && failure.text.length < longestText) failure.text += piece;
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', ({ name }) => {
    depth -= 1;
    failure = undefined;
    if (name === 'testsuite') suites.pop();
    if (name !== 'testcase' || !test) return;
    const ended = test;
    test = undefined;
    for (const each of ended.failures) problems.push(failingTest(ended, problems.length < mostStacks ? each : { ...each, text: '' }));
  });
  try {
    parser.write(withoutControl(text)).close();
  } catch (error) {
    if (error instanceof Unreadable) return { problems: [], error: error.message };
    throw error;
  }
  return { problems: withoutParents(problems) };
}

class Unreadable extends Error {}

/** Test runners write terminal colours into messages, which XML does not allow. */
function withoutControl(text: string): string {
  return text
    .replace(/(?:\x1b|&#(?:x1b|27);)\[[\d;]*[A-Za-z]/gi, '')
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, ' ')
    .replace(/&#(?:x0*(?:[0-8bcef]|1[\da-f])|0*(?:[0-8]|1[124-9]|2\d|3[01]));/gi, (reference) => ' '.repeat(reference.length));
}

/** A Go test with failed subtests has no message itself. */
function withoutParents(problems: readonly FoundProblem[]): FoundProblem[] {
  const parents = new Set<string>();
  for (const { message } of problems)
    for (let at = message.indexOf('/'); at >= 0; at = message.indexOf('/', at + 1)) parents.add(message.slice(0, at));
  return problems.filter(({ message }) => !message.endsWith(': Failed') || !parents.has(message.slice(0, -': Failed'.length)));
}

/** Returns a test from the attributes of its element and its suite. */
export function testOf(
  attributes: Readonly<Record<string, string>>,
  suite: { name: string; file: string | undefined } | undefined,
): ReportedTest {
  const type = attributes['classname'] ?? '';
  const line = Number(attributes['line'] ?? attributes['lineno']);
  const name = attributes['name'] ?? 'a test';
  // Many runners already put the suite before the test's name.
  const isFile = /[/\\].*\.\w+$/.test(type);
  const title = [isFile ? '' : type, suite?.name ?? ''].find((part) => part !== '' && part !== 'test');
  return {
    name: title === undefined || name.includes(title) || isFile ? name : `${title} › ${name}`,
    type,
    file: attributes['file'] ?? attributes['filepath'] ?? suite?.file ?? (isFile ? type : undefined),
    line: Number.isInteger(line) && line > 0 ? line : undefined,
    failures: [],
  };
}

/** Returns a failing test as a problem. */
export function failingTest(test: Omit<ReportedTest, 'failures'>, { message, text, type }: Failure): FoundProblem {
  const frames = traceFrames(text || message);
  const own = placeOf(test, frames);
  const said = saidIn(message, text) || type;
  const whole = [test.name, said].filter((part) => part !== '').join(': ');
  // Go prints the name of a file without its package.
  const isGo = test.type.includes('/') && [...frames, ...(own ? [own] : [])].some(({ file }) => /^[^/\\]+\.go$/.test(file));
  return {
    severity: 'error',
    message: whole.length > longestMessage ? `${whole.slice(0, longestMessage)}…` : whole,
    source: 'junit',
    ...(isGo && { folder: test.type }),
    ...(frames.length > 0 && { frames: own ? [...frames, own] : frames }),
    ...(frames.length === 0 && own),
  };
}

/** Lines that only name the test or its place. */
const noMessage = /^\s*(?:=== RUN|--- FAIL:|[\w\\]+::\w+$|\S+:\d+$|\(?(?:from function|in test file) )/;

/** Returns the failure in one sentence. */
function saidIn(message: string, text: string): string {
  // Go tests have no failure message: the output at a line serves as one.
  const go = /^\s+\S+\.go:\d+: (.*)$/m.exec(text)?.[1] ?? /^panic: .*?(?= \[recovered\]|$)/m.exec(text)?.[0];
  if (/^(?:Failed)?$/.test(message) && go !== undefined) return go;
  // pytest describes in its text what could not be collected.
  const lines = message === 'collection failure' ? text.match(/(?<=^E {3}).*(?:Error|Exception)\b.*$/gm) : undefined;
  const told = (lines ?? (message || text).split('\n')).filter((line) => !noMessage.test(line));
  // GoogleTest explains each value on a line of its own.
  const said = told.some((line) => /^\s*Which is: /.test(line)) ? joined(told) : sentence(told);
  const expansion = /^with expansion:\n\s*(.+)$/m.exec(text)?.[1];
  return expansion === undefined || said.includes(expansion) ? said : `${said}: ${expansion}`;
}

/** Returns the place of the test itself, for a failure without a stack. */
function placeOf({ file, line, type }: Pick<ReportedTest, 'file' | 'line' | 'type'>, frames: readonly Frame[]): Frame | undefined {
  if (file !== undefined && file !== '') return { file, ...(line !== undefined && { line }) };
  if (frames.length > 0 || !/^[\w$]+(\.[\w$]+)+$/.test(type)) return undefined;
  const parts = type.replace(/\$.*$/, '').split('.');
  // A Java class starts with a capital letter. pytest names the module and optionally the class in it.
  if (/^[A-Z]/.test(parts.at(-1) ?? '') && !/^test/.test(parts.at(-2) ?? '')) return { file: `${parts.join('/')}.java` };
  const module = parts.filter((part) => !/^[A-Z]/.test(part));
  return { file: `${module.join('/')}.py` };
}

function decode(content: Buffer): string {
  if (content[0] === 0xff && content[1] === 0xfe) return content.toString('utf16le', 2);
  const declared = /^<\?xml[^>]*encoding=["']([\w-]+)["']/i.exec(content.toString('latin1', 0, 200))?.[1]?.toLowerCase();
  const encoding = declared === 'iso-8859-1' || declared === 'latin1' || declared === 'us-ascii' ? 'latin1' : 'utf8';
  return content.toString(encoding).replace(/^\ufeff/, '');
}
