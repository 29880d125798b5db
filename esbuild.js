const esbuild = require('esbuild');

const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

/** Each bundle is loaded when its part is used: the editor's entry stays small. */
const common = { bundle: true, platform: 'node', format: 'cjs', target: 'node20', minify: production, sourcemap: !production, logLevel: 'warning' };

const bundles = [
  // The cli has no `vscode` external on purpose: a leak from the editor breaks the build.
  { ...common, entryPoints: { cli: 'src/cli.ts' }, outdir: 'dist', banner: { js: '#!/usr/bin/env node' } },
  { ...common, entryPoints: { extension: 'src/extension.ts' }, outdir: 'dist', external: ['vscode'] },
];

async function main() {
  for (const bundle of bundles) {
    if (watch) await (await esbuild.context(bundle)).watch();
    else await esbuild.build(bundle);
  }
}

main().catch(() => process.exit(1));
