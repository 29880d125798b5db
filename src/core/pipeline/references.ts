import { nothingContributed, readMatcher } from '../logs/matchers/definition';
import { matcherNames } from '../logs/matchers/names';
import type { Explained } from './explain';
import { closest } from '../support/similarity';

interface Draft {
  readonly needs: readonly { readonly name: string; readonly path: readonly (string | number)[] }[];
  readonly deploy?: string;
  readonly verifies?: string;
}

/**
 * Checks the rules that a schema cannot express: named steps and environments exist, no step waits for itself, and a step that
 * verifies runs after a step that deploys. Accepts content with other errors, so that all errors of a file are reported together.
 */
export function checkReferences(content: unknown): Explained[] {
  const file = mapping(content);
  const steps = new Map(Object.entries(mapping(file['steps'])).map(([name, step]) => [name, draft(name, step)]));
  const environments = Object.keys(mapping(file['environments']));
  const errors: Explained[] = [];

  const checkEnvironment = (path: (string | number)[], name: unknown): void => {
    if (typeof name !== 'string' || environments.includes(name)) return;
    const similar = closest(name, environments);
    const choice = environments.length > 0 ? `the environments are ${environments.join(', ')}` : 'define it under `environments`';
    errors.push({ path, message: `there is no environment ${name}`, hint: similar ? `did you mean ${similar}?` : choice });
  };

  for (const [name, step] of steps) {
    for (const need of step.needs) {
      if (steps.has(need.name)) continue;
      const similar = closest(
        need.name,
        [...steps.keys()].filter((other) => other !== name),
      );
      errors.push({ path: need.path, message: `there is no step ${need.name}`, hint: similar ? `did you mean ${similar}?` : undefined });
    }
    checkEnvironment(['steps', name, 'deploy'], step.deploy);
    checkEnvironment(['steps', name, 'verifies'], step.verifies);
  }
  checkEnvironment(['release'], file['release']);
  for (const [name, step] of Object.entries(mapping(file['steps']))) errors.push(...checkProblems(name, mapping(step)['problems']));
  const cycles = findCycles(steps);
  errors.push(...cycles, ...sameFileName('steps', [...steps.keys()]), ...sameFileName('environments', environments));
  if (cycles.length === 0) errors.push(...checkVerifications(steps, environments));
  return errors;
}

/** Skips names with `$`: only the editor knows the matchers of its extensions. */
function checkProblems(step: string, problems: unknown): Explained[] {
  if (!Array.isArray(problems)) return [];
  return problems.flatMap((problem: unknown, index): Explained[] => {
    const path = ['steps', step, 'problems', index];
    if (typeof problem === 'string') {
      if (problem.startsWith('$') || matcherNames.includes(problem)) return [];
      const similar = closest(problem, matcherNames);
      const hint = similar ? `did you mean ${similar}?` : `the built-in ones are ${matcherNames.join(', ')}`;
      return [{ path, message: `there is no problem matcher ${problem}`, hint }];
    }
    const { errors } = readMatcher(problem, '', nothingContributed);
    // The base of a matcher may come from an extension of the editor.
    const hasBase = isMapping(problem) && ('base' in problem || typeof problem['pattern'] === 'string');
    const reported = hasBase ? errors.filter((error) => error.path.length > 1) : errors;
    return reported.map((error) => ({ path: [...path, ...error.path], message: error.message, hint: undefined }));
  });
}

function checkVerifications(steps: ReadonlyMap<string, Draft>, environments: readonly string[]): Explained[] {
  return [...steps].flatMap(([name, { verifies }]) => {
    if (verifies === undefined || !environments.includes(verifies)) return [];
    const before = [...allNeeds(steps, name)];
    // An unknown need has its own error, and may be the step that deploys.
    if (before.some((need) => !steps.has(need) || steps.get(need)?.deploy === verifies)) return [];
    const deploying = [...steps].find(([, step]) => step.deploy === verifies)?.[0];
    return [
      {
        path: ['steps', name, 'verifies'],
        message: `step ${name} verifies ${verifies}, and nothing that it needs deploys ${verifies}`,
        hint:
          deploying === undefined
            ? `add a step with \`deploy: ${verifies}\`, and name it in \`needs\``
            : `add ${deploying} to its \`needs\``,
      },
    ];
  });
}

function allNeeds(steps: ReadonlyMap<string, Draft>, from: string): Set<string> {
  const found = new Set<string>();
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const need of steps.get(name)?.needs ?? []) {
      if (found.has(need.name)) continue;
      found.add(need.name);
      open.push(need.name);
    }
  }
  return found;
}

/** Reports each cycle once, at the need that closes it. Uses no recursion, because chains can be long. */
function findCycles(steps: ReadonlyMap<string, Draft>): Explained[] {
  const errors: Explained[] = [];
  const done = new Set<string>();
  for (const start of steps.keys()) {
    const trail: { name: string; next: number }[] = done.has(start) ? [] : [{ name: start, next: 0 }];
    const open = new Map(trail.map(({ name }) => [name, 0]));
    for (let top = trail.at(-1); top; top = trail.at(-1)) {
      const need = steps.get(top.name)?.needs[top.next++];
      if (!need) {
        done.add(top.name);
        open.delete(top.name);
        trail.pop();
        continue;
      }
      const since = open.get(need.name);
      if (since !== undefined) {
        const cycle = [...trail.slice(since).map((step) => step.name), need.name];
        const shown = cycle.length > 12 ? [...cycle.slice(0, 10), '…', need.name] : cycle;
        const message = need.name === top.name ? `step ${top.name} needs itself` : `the steps wait for each other: ${shown.join(' -> ')}`;
        errors.push({ path: need.path, message, hint: 'remove one of these needs' });
      } else if (steps.has(need.name) && !done.has(need.name)) {
        open.set(need.name, trail.length);
        trail.push({ name: need.name, next: 0 });
      }
    }
  }
  return errors;
}

/** Steps name log files and environments name folders, and some file systems do not distinguish `Test` from `test`. */
function sameFileName(key: 'steps' | 'environments', names: readonly string[]): Explained[] {
  const seen = new Map<string, string>();
  return names.flatMap((name) => {
    const earlier = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    return earlier === undefined ? [] : [{ path: [key, name], atKey: true, message: `${key} ${earlier} and ${name} differ only in case` }];
  });
}

function draft(name: string, step: unknown): Draft {
  const { needs, deploy, verifies } = mapping(step);
  const path = ['steps', name, 'needs'];
  const list = Array.isArray(needs) ? (needs as unknown[]) : undefined;
  const named = list ? list.map((need, index) => ({ need, path: [...path, index] })) : [{ need: needs, path }];
  return {
    needs: named.flatMap((entry) => (typeof entry.need === 'string' ? [{ name: entry.need, path: entry.path }] : [])),
    deploy: typeof deploy === 'string' ? deploy : undefined,
    verifies: typeof verifies === 'string' ? verifies : undefined,
  };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapping(value: unknown): Record<string, unknown> {
  return isMapping(value) ? value : {};
}
