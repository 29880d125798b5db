import * as fs from 'node:fs';
import * as path from 'node:path';

interface Rule {
  readonly pattern: string;
  readonly owners: readonly string[];
}

/** Paths in the order in which hosts search them. */
const places = ['.github/CODEOWNERS', 'CODEOWNERS', '.gitlab/CODEOWNERS', 'docs/CODEOWNERS'];
const maxBytes = 3 << 20;

/**
 * The owners of files according to the repository's `CODEOWNERS`. The last matching rule wins
 * (https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-
 * owners).
 */
export class Owners {
  private readonly rules: readonly { readonly matches: RegExp; readonly owners: readonly string[] }[];

  constructor(text: string) {
    this.rules = parse(text)
      .map(({ pattern, owners }) => ({ matches: expressionOf(pattern), owners }))
      .reverse();
  }

  static of(root: string): Owners | undefined {
    const file = places.map((name) => path.join(root, name)).find((name) => fs.existsSync(name));
    try {
      return file !== undefined && fs.statSync(file).size <= maxBytes ? new Owners(fs.readFileSync(file, 'utf8')) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Returns whether `name` owns a file (relative to the root). `@acme/cart`, `acme/cart` and `cart` are equivalent. */
  owns(name: string, file: string): boolean {
    const wanted = name.replace(/^@/, '').toLowerCase();
    const owners = this.rules.find(({ matches }) => matches.test(file))?.owners ?? [];
    return owners.some((owner) => {
      const plain = owner.replace(/^@/, '').toLowerCase();
      return plain === wanted || plain.slice(plain.indexOf('/') + 1) === wanted;
    });
  }
}

function parse(text: string): Rule[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [pattern, ...owners] = (line.replace(/(^|\s)#.*$/, '').match(/(?:\\.|\S)+/g) ?? []).map((part) => part.replace(/\\ /g, ' '));
    // GitLab's section headings contain no file patterns.
    return pattern === undefined || /^\^?\[/.test(pattern) ? [] : [{ pattern, owners }];
  });
}

/** Converts a pattern in `.gitignore` syntax: a slash anchors it, and a folder covers everything below it. */
function expressionOf(pattern: string): RegExp {
  const isAnchored = pattern.replace(/\/$/, '').includes('/');
  const parts = pattern.replace(/^\//, '').replace(/\/$/, '/**').split('/');
  const body = parts.map((part, index) => {
    const isLast = index === parts.length - 1;
    if (part === '**') return isLast ? '.*' : '(?:[^/]+/)*';
    return `${part
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*+/g, '[^/]*')
      .replace(/\?/g, '[^/]')}${isLast ? '' : '/'}`;
  });
  // In CODEOWNERS, `docs/*` covers only the files directly in that folder.
  const below = parts.at(-1) === '*' || parts.at(-1) === '**' ? '' : '(?:/.*)?';
  return new RegExp(`^${isAnchored ? '' : '(?:.*/)?'}${body.join('')}${below}$`);
}
