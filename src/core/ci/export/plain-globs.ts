/** A list of globs without braces, for the tools of CI services, with the excluded ones apart. */
export interface PlainGlobs {
  readonly wanted: readonly string[];
  readonly unwanted: readonly string[];
}

/** Expands braces. Returns undefined if a pattern has syntax that those tools lack. */
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

/** Returns the path of a service's file from the repository's root. */
export function below(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`;
}

/** Shortens a glob for the whole content of a folder to the folder's name. */
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
