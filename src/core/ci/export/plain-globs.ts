/** What a list of globs says in words that the tools of CI services have: without braces, and what to leave out apart. */
export interface PlainGlobs {
  readonly wanted: readonly string[];
  readonly unwanted: readonly string[];
}

/** Without alternatives in braces; `undefined` where a pattern is one that such tools do not know. */
export function plainGlobs(globs: readonly string[]): PlainGlobs | undefined {
  if (globs.some((glob) => /[@+*?!]\(|\\/.test(glob))) return undefined;
  const all = globs.flatMap((glob) => expandBraces(glob));
  if (all.some((glob) => /[{}]/.test(glob))) return undefined;
  return {
    wanted: all.filter((glob) => !glob.startsWith('!')).map(whole),
    unwanted: all.filter((glob) => glob.startsWith('!')).map((glob) => whole(glob.slice(1))),
  };
}

export function isGlob(path: string): boolean {
  return /[*?[\]]/.test(path);
}

/** The path of a service's file from the repository's root. */
export function below(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`;
}

/** All that is in a folder is said by its name. */
function whole(glob: string): string {
  const path = glob.replace(/^\.\//, '').replace(/\/$/, '');
  const folder = path.replace(/(\/\*\*)+(\/\*)?$/, '');
  return folder === '' || isGlob(folder) ? path : folder;
}

function expandBraces(glob: string): string[] {
  const group = /^(.*?)\{([^{}]*,[^{}]*)\}(.*)$/s.exec(glob);
  if (!group) return [glob];
  const [, before = '', inside = '', after = ''] = group;
  return inside.split(',').flatMap((each) => expandBraces(`${before}${each}${after}`));
}
