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

const bundles = [
  // The cli has no `vscode` external on purpose: a leak from the editor breaks the build.
  { ...common, entryPoints: { cli: 'src/cli.ts' }, outdir: 'dist', banner: { js: '#!/usr/bin/env node' } },
  { ...common, entryPoints: { extension: 'src/extension.ts' }, outdir: 'dist', external: ['vscode'] },
  { ...common, entryPoints: { parse: 'src/core/pipeline/parse.ts' }, outdir: 'dist' },
  { ...common, entryPoints: { sample: 'src/core/sample.ts' }, outdir: 'dist' },
];

/** The JSON schema for editors comes from the definition that the parser validates with. */
async function writeSchema() {
  const { outputFiles } = await esbuild.build({ ...common, sourcemap: false, entryPoints: ['src/core/pipeline/schema.ts'], write: false });
  const module = { exports: {} };
  new Function('module', 'exports', 'require', outputFiles[0].text)(module, module.exports, require);
  fs.writeFileSync('media/delivery.schema.json', module.exports.schemaText());
}

async function main() {
  await writeSchema();
  for (const bundle of bundles) {
    if (watch) await (await esbuild.context(bundle)).watch();
    else await esbuild.build(bundle);
  }
}

main().catch(() => process.exit(1));
