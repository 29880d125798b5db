const { createHash } = require('node:crypto');
const fs = require('node:fs');
const esbuild = require('esbuild');

const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

/** Each bundle is loaded when its part is used: the editor's entry stays small. */
const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  define: { DELIVER_VERSION: JSON.stringify(require('./package.json').version) },
  minify: production,
  sourcemap: !production,
  logLevel: 'warning',
};

/** What brings libraries along that most runs need not load: bundles of their own, beside those that call them. */
const parts = {
  init: 'src/cli/init.ts',
  check: 'src/cli/check.ts',
  export: 'src/cli/export.ts',
  step: 'src/cli/step.ts',
  drift: 'src/core/ci/export/drift.ts',
  problems: 'src/cli/problems.ts',
  feedback: 'src/cli/feedback.ts',
  metrics: 'src/cli/metrics.ts',
  supervise: 'src/cli/supervise.ts',
  handovers: 'src/core/pipeline/handovers.ts',
  'log-problems': 'src/core/logs/log-problems.ts',
  reports: 'src/core/logs/reports.ts',
  'source-maps': 'src/core/location/source-maps.ts',
  'service-feedback': 'src/core/feedback/service-feedback.ts',
  'remote-sources': 'src/core/feedback/remote-sources.ts',
  promotion: 'src/core/runner/promotion.ts',
  follow: 'src/cli/follow.ts',
  approve: 'src/cli/approve.ts',
  engine: 'src/cli/engine.ts',
  'watch-engines': 'src/cli/watch-engines.ts',
  'run-watcher': 'src/core/ci/follow/run-watcher.ts',
  'run-on-ci': 'src/core/runner/run-on-ci.ts',
  'ci-of-run': 'src/core/ci/follow/ci-of-run.ts',
  'report-deployments': 'src/core/ci/report-deployments.ts',
  connect: 'src/core/ci/connect.ts',
  'github-client': 'src/core/ci/github/github-client.ts',
  'gitlab-client': 'src/core/ci/gitlab/gitlab-client.ts',
  'jenkins-client': 'src/core/ci/jenkins/jenkins-client.ts',
  'compose-platform': 'src/core/environments/compose/compose-platform.ts',
  'kubernetes-platform': 'src/core/environments/kubernetes/kubernetes-platform.ts',
  'command-platform': 'src/core/environments/command/command-platform.ts',
  'problem-worker': 'src/core/logs/problem-worker.ts',
};
const apart = {
  name: 'apart',
  setup(build) {
    build.onResolve({ filter: new RegExp(`/(parse|${Object.keys(parts).join('|')})$`) }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./${path.split('/').at(-1)}.js`, external: true } : undefined,
    );
  },
};

/** axios would bring a form encoder with a database of media types: no form is sent, and a process that watches stays as long as a window. */
const noForms = {
  name: 'no-forms',
  setup(build) {
    build.onResolve({ filter: /^form-data$/ }, ({ path }) => ({ path, namespace: 'no-forms' }));
    build.onLoad({ filter: /.*/, namespace: 'no-forms' }, () => ({ contents: 'module.exports = globalThis.FormData;' }));
  },
};

/** Without `DELIVER_PARSER`, as while watching, every definition is parsed anew. */
function bundles(parser) {
  const define = { ...common.define, ...(parser && { DELIVER_PARSER: JSON.stringify(parser) }) };
  return [
    // The cli has no `vscode` external on purpose: a leak from the editor breaks the build.
    {
      ...common,
      entryPoints: { cli: 'src/cli.ts' },
      outdir: 'dist',
      define,
      plugins: [apart, noForms],
      banner: { js: '#!/usr/bin/env node' },
    },
    { ...common, entryPoints: parts, outdir: 'dist', define, plugins: [apart, noForms] },
    { ...common, entryPoints: { extension: 'src/extension.ts' }, outdir: 'dist', define, plugins: [apart, noForms], external: ['vscode'] },
    { ...common, entryPoints: { sample: 'src/core/runner/sample.ts' }, outdir: 'dist' },
  ];
}

const parserBundle = { ...common, entryPoints: { parse: 'src/core/pipeline/parse.ts' }, outdir: 'dist' };

/** The JSON schema for editors comes from the definition that the parser validates with. */
async function writeSchema() {
  const { outputFiles } = await esbuild.build({ ...common, sourcemap: false, entryPoints: ['src/core/pipeline/schema.ts'], write: false });
  const module = { exports: {} };
  new Function('module', 'exports', 'require', outputFiles[0].text)(module, module.exports, require);
  fs.writeFileSync('media/delivery.schema.json', module.exports.schemaText());
}

async function main() {
  await writeSchema();
  if (watch) {
    for (const bundle of [parserBundle, ...bundles()]) await (await esbuild.context(bundle)).watch();
    return;
  }
  await esbuild.build(parserBundle);
  const parser = createHash('sha256').update(fs.readFileSync('dist/parse.js')).digest('hex').slice(0, 12);
  for (const bundle of bundles(parser)) await esbuild.build(bundle);
}

main().catch(() => process.exit(1));
