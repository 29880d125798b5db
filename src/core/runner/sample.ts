import * as fs from 'node:fs';
import * as path from 'node:path';
import { git } from '../git/git';
import { fail, messageOf, ok, type Result } from '../model/result';

/**
 * The history of the sample, oldest commit first. A file of a commit has its present content, except for the listed
 * passages: pairs of the present and the former text.
 */
interface History {
  readonly authors: Readonly<Record<string, string>>;
  readonly commits: readonly HistoricCommit[];
}

interface HistoricCommit {
  readonly author: string;
  readonly hoursAgo: number;
  readonly message: string;
  readonly files: Readonly<Record<string, readonly (readonly [now: string, then: string])[]>>;
}

/**
 * Writes the sample into `target`, a missing or empty folder, as a git repository with a history that ends today. `source`
 * is the folder with `sample/` and `sample-history.json`.
 */
export async function unpackSample(target: string, source: string): Promise<Result<{ readonly folder: string }>> {
  const existed = fs.existsSync(target);
  if (existed && (!fs.statSync(target).isDirectory() || fs.readdirSync(target).length > 0))
    return fail('usage', `${target} is not empty`, { hint: 'choose another folder for the sample' });
  const unpacked = await writeSample(target, source).catch((error: unknown) =>
    fail('machinery', `the sample could not be written: ${messageOf(error)}`),
  );
  if (unpacked.ok) return ok({ folder: target });
  // An incomplete sample is of no use.
  for (const name of existed ? fs.readdirSync(target) : []) fs.rmSync(path.join(target, name), { recursive: true, force: true });
  if (!existed) fs.rmSync(target, { recursive: true, force: true });
  return unpacked;
}

async function writeSample(target: string, source: string): Promise<Result<unknown>> {
  const history = JSON.parse(fs.readFileSync(path.join(source, 'sample-history.json'), 'utf8')) as History;
  fs.mkdirSync(target, { recursive: true });
  // The default template may contain hooks.
  const made = await git({ folder: target }, (client) => client.init(['--quiet', '--initial-branch=main', '--template=']));
  if (!made.ok) return made;
  const now = Date.now();
  for (const one of history.commits) {
    for (const [file, passages] of Object.entries(one.files)) {
      const text = asItWas(file, fs.readFileSync(path.join(source, 'sample', file), 'utf8'), passages);
      fs.mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
      fs.writeFileSync(path.join(target, file), text);
    }
    const committed = await commit(one, history.authors[one.author] ?? '', now, target);
    if (!committed.ok) return committed;
  }
  return ok(undefined);
}

function asItWas(file: string, text: string, passages: HistoricCommit['files'][string]): string {
  return passages.reduce((before, [now, then]) => {
    if (!before.includes(now)) throw new Error(`the history of ${file} names a passage that is not in it: ${now}`);
    // A function: the text holds `$`.
    return before.replace(now, () => then);
  }, text);
}

async function commit({ hoursAgo, message }: HistoricCommit, author: string, now: number, folder: string): Promise<Result<unknown>> {
  const [, name = '', email = ''] = /^(.*) <(.*)>$/.exec(author) ?? [];
  const date = new Date(now - hoursAgo * 3_600_000).toISOString();
  const env = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  };
  const config = ['commit.gpgSign=false', 'core.autocrlf=false'];
  return git({ folder, env, config }, async (client) => {
    await client.add('--all');
    await client.commit(message, ['--no-verify']);
  });
}
