import type { Found, FoundStep } from './found';
import type { ProjectFolder } from './project';

/** Detects make: targets with common names, or else the default target. */
export function detectMake(project: ProjectFolder): Found | undefined {
  const file = project.first('GNUmakefile', 'makefile', 'Makefile');
  if (file === undefined) return undefined;
  const targets = new Set(
    [...project.text(file).matchAll(/^([A-Za-z0-9][\w .-]*?)\s*::?(?!=)/gm)].flatMap((match) => (match[1] ?? '').split(/\s+/)),
  );
  const target = (...names: string[]): string | undefined => names.find((name) => targets.has(name));
  const build = target('build', 'all');
  const test = target('test', 'check', 'tests');
  const lint = target('lint');
  const steps: FoundStep[] = [
    { name: 'build', run: build === undefined ? 'make' : `make ${build}` },
    ...(lint === undefined ? [] : [{ name: 'lint', run: `make ${lint}`, needs: ['build'] }]),
    ...(test === undefined ? [] : [{ name: 'test', run: `make ${test}`, needs: [lint === undefined ? 'build' : 'lint'] }]),
  ];
  // Without a common build target, the default target may be anything, including the tests.
  const skipBuild = build === undefined && (test !== undefined || lint !== undefined);
  const kept = skipBuild
    ? steps.slice(1).map((step) => ({ ...step, needs: (step.needs ?? []).filter((need) => need !== 'build') }))
    : steps;
  return { label: 'Make', prefix: 'make', steps: kept, general: true };
}
