import * as fs from 'node:fs';
import * as vscode from 'vscode';
import type { Contributed } from '../../core/logs/matchers/definition';
import type { Service } from './state';

type Named = Readonly<Record<string, unknown>>;

/** The problem matchers of other extensions that a service's definition names with `$`, with what they build on. */
export function contributedMatchers(service: Service): Contributed | undefined {
  let text: string;
  try {
    text = fs.readFileSync(service.file, 'utf8');
  } catch {
    return undefined;
  }
  const names = new Set(Array.from(text.matchAll(/\$([\w.-]+)/g), ([, name]) => name ?? ''));
  if (names.size === 0) return undefined;
  const matchers = contributions('problemMatchers');
  const patterns = contributions('problemPatterns');
  const wanted = [...names].filter((name) => name in matchers);
  if (wanted.length === 0) return undefined;
  // What they are based on comes along: there are few, and all are small.
  return { matchers, patterns };
}

function contributions(point: 'problemMatchers' | 'problemPatterns'): Record<string, unknown> {
  const named: [string, unknown][] = [];
  for (const extension of vscode.extensions.all) {
    const { contributes } = extension.packageJSON as { contributes?: Partial<Record<string, unknown>> };
    const list = contributes?.[point];
    if (!Array.isArray(list)) continue;
    for (const one of list as Named[]) {
      const { name, patterns } = one;
      // Patterns of several lines are wrapped.
      if (typeof name === 'string') named.push([name, Array.isArray(patterns) ? patterns : one]);
    }
  }
  return Object.fromEntries(named);
}
