/** A path as printed, without its scheme. */
export interface PrintedPath {
  /** As printed, with `/`. */
  readonly raw: string;
  /** Without scheme and query, with `/`. */
  readonly text: string;
  /** Without `.` and leading `..`. */
  readonly parts: readonly string[];
  readonly isAbsolute: boolean;
  /** A URL of a bundler or an app: relative to an unknown folder. */
  readonly hasScheme: boolean;
  /** The lines are those of code that a bundler evaluates, not those of the file. */
  readonly isTransformed: boolean;
}

/** Returns undefined for a URL on the web, code without a file, and files of the runtime. */
export function parsePath(printed: string): PrintedPath | undefined {
  const raw = printed.replace(/\\/g, '/');
  if (raw === '' || /[\0<>]|^(node|data|blob|native):/.test(raw)) return undefined;
  const [, scheme, rest = ''] = /^([a-z][\w+.-]+):\/\/[^/]*\/(?:\[project\]\/|\([\w-]+\)\/)?(.*)$/i.exec(raw) ?? [];
  if (scheme === undefined ? /^[a-z][\w+.-]+:\/\//i.test(raw) : !/^(app|file|meteor|ng|turbopack|webpack(-internal)?)$/.test(scheme))
    return undefined;
  const decoded = scheme === undefined ? raw : decode(rest);
  const text = `${scheme === 'file' && !/^[A-Za-z]:/.test(decoded) ? '/' : ''}${decoded}`.replace(/\?[\w&=.-]*$/, '');
  const parts: string[] = [];
  for (const part of text.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const isAbsolute = /^([A-Za-z]:)?\//.test(text);
  return {
    raw,
    text,
    parts,
    isAbsolute,
    hasScheme: scheme !== undefined && scheme !== 'file',
    isTransformed: scheme === 'webpack-internal',
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Runtimes and system folders. They are never delivered code. */
export const systemPath =
  /^([A-Za-z]:)?\/(rustc|nix\/store|usr\/(lib|libexec|share|include|local\/(lib|go|include|share))|Library|Program Files|Windows)\//;

/** Folders of libraries. Their files count only if the tree contains the folder too. */
const libraryFolder =
  /(?:^|\/)(?:node_modules|bower_components|site-packages|dist-packages|vendor|gems|deps|Pods|\.(?:cargo|rustup|m2|gradle|nuget|pub-cache|venv|yarn|pnpm|pyenv|rbenv)|go\/pkg\/mod|hostedtoolcache|sdk\/go\d[\d.]*|lib\/(?:python|ruby)[\d./]*|[^/]+@v\d[^/]*)\//;

/** Folders of official images and platforms. A path of the tree never begins above them. */
export const deployedRoot =
  /^(?:[A-Za-z]:)?\/(?:usr\/src\/app|home\/\w+\/app|var\/task|opt\/render\/project\/src|opt\/app-root\/src|home\/site\/wwwroot|var\/www\/html|go\/src\/app|github\/workspace|app|code|workspace)\//;

/** Names of folders that contain a deployed service. */
export const rootName = /^(app|backend|code|current|html|htdocs|project|server|service|site|task|work|workdir|workspace|www|wwwroot)$/i;

export const systemFolder = /^(bin|boot|dev|etc|home|lib\w*|mnt|opt|proc|root|run|sbin|sys|tmp|usr|var|Users|System|[A-Za-z]:)$/;

/** Returns the index of the first part that names a folder of libraries, or -1. */
export function libraryAt(parts: readonly string[]): number {
  const text = parts.join('/');
  const at = libraryFolder.exec(text)?.index ?? -1;
  return at < 1 ? at : text.slice(0, at).split('/').length;
}
