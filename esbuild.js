const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const esbuild = require('esbuild');

const production = process.argv.includes('--production');

const commandLine = 'src/cli.ts';

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  outdir: 'dist',
  minify: production,
  sourcemap: !production,
  metafile: true,
  logLevel: 'warning',
  // The form encoder of axios brings a database of media types. Deliver sends no form: the class that axios takes in browsers is enough.
  alias: { 'form-data': 'axios/unsafe/platform/browser/classes/FormData.js' },
};

/** Keeps platforms, clients and sources, which descriptors import dynamically, out of the parser. */
const withoutLazyModules = {
  name: 'without-lazy-modules',
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ kind, path }) => (kind === 'dynamic-import' ? { path, external: true } : undefined));
  },
};

/** Returns the code of a module with all that it imports statically, as CommonJS. */
async function codeOf(file) {
  const { outputFiles } = await esbuild.build({
    ...common,
    format: 'cjs',
    minify: true,
    sourcemap: false,
    write: false,
    entryPoints: [file],
    plugins: [withoutLazyModules],
  });
  return outputFiles[0].text;
}

/** The JSON schema for editors comes from the definition that the parser validates with. */
async function writeSchema() {
  const module = { exports: {} };
  new Function('module', 'exports', 'require', await codeOf('src/core/pipeline/schema.ts'))(module, module.exports, require);
  fs.writeFileSync('media/delivery.schema.json', module.exports.schemaText());
}

/** Returns what the code is built with: the version, and a hash that changes whenever the parser's code does. */
async function constants() {
  const parser = createHash('sha256').update(await codeOf('src/core/pipeline/parse.ts'));
  return {
    DELIVER_VERSION: JSON.stringify(require('./package.json').version),
    DELIVER_PARSER: JSON.stringify(parser.digest('hex').slice(0, 12)),
  };
}

/** Builds the extension as one CommonJS file. Returns its metafile and the modules that it imports dynamically. */
async function buildExtension(define) {
  const imported = new Set();
  // CommonJS cannot be split. These modules are built with the command line instead, each under the name of its file.
  const lazyModules = {
    name: 'lazy-modules',
    setup(build) {
      build.onResolve({ filter: /^\./ }, async ({ kind, path: name, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const resolved = await build.resolve(name, { kind: 'import-statement', resolveDir });
        if (resolved.errors.length > 0) return resolved;
        imported.add(resolved.path);
        return { path: `./${path.basename(resolved.path, '.ts')}.js`, external: true };
      });
    },
  };
  const { metafile } = await esbuild.build({
    ...common,
    define,
    format: 'cjs',
    entryPoints: ['src/extension.ts'],
    outExtension: { '.js': '.cjs' },
    external: ['vscode'],
    plugins: [lazyModules],
  });
  return { metafile, imported: [...imported] };
}

/** Builds ES modules, split at dynamic imports. `vscode` is no external on purpose: an import of it in the core breaks the build. */
async function buildModules(define, entryPoints) {
  const options = {
    ...common,
    define,
    format: 'esm',
    splitting: true,
    entryPoints,
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    // Bundled CommonJS libraries load Node's own modules with `require`.
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
  };
  const separate = await esbuild.build({ ...options, write: false });
  const { metafile } = await esbuild.build({ ...options, plugins: [sharedChunk(separate.metafile)] });
  // The extension is CommonJS, so the package is: this makes `dist/*.js` ES modules.
  fs.writeFileSync('dist/package.json', '{ "type": "module" }\n');
  return metafile;
}

/**
 * Puts the small modules that many entries share into one chunk, by letting each entry import all of them. Otherwise every set of
 * entries that share a module makes a chunk, dozens for one command, and Node takes longer to find a file than to run it.
 */
function sharedChunk({ inputs, outputs }) {
  const isLibrary = (file) => file.includes('node_modules/');
  const imports = (file, found = new Set()) => {
    if (!inputs[file] || found.has(file)) return found;
    found.add(file);
    for (const { kind, path: imported } of inputs[file].imports) if (kind !== 'dynamic-import') imports(imported, found);
    return found;
  };
  const libraryBytes = (file) => [...imports(file)].filter(isLibrary).reduce((sum, library) => sum + inputs[library].bytes, 0);
  const entries = Object.values(outputs).flatMap(({ entryPoint }) => entryPoint ?? []);
  const importedBy = entries.map((entry) => imports(entry));
  const isShared = (file) => importedBy.filter((files) => files.has(file)).length >= 4;
  const shared = Object.keys(inputs).filter((file) => !isLibrary(file) && isShared(file) && libraryBytes(file) < 10_000);
  // The command line itself stays small: it loads the entry of a command.
  const importers = new Set(entries.filter((entry) => entry !== commandLine).map((entry) => path.resolve(entry)));
  const statements = shared.map((file) => `import ${JSON.stringify(path.resolve(file))};`).join('\n');
  return {
    name: 'shared-chunk',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path: file }) =>
        importers.has(file) ? { contents: `${fs.readFileSync(file, 'utf8')}\n${statements}`, loader: 'ts' } : undefined,
      );
    },
  };
}

/** Chunks have another name whenever their code changes. Only for publication: a program that runs may still load one. */
function removeAllBut(outputs) {
  const kept = new Set(['package.json', ...outputs.map((file) => path.basename(file))]);
  for (const name of fs.readdirSync('dist')) if (!kept.has(name)) fs.rmSync(path.join('dist', name), { recursive: true });
}

async function main() {
  await writeSchema();
  const define = await constants();
  const extension = await buildExtension(define);
  // A worker is started by the name of its file, so it is an entry like the command line.
  const modules = await buildModules(define, [commandLine, 'src/core/logs/problem-worker.ts', ...extension.imported]);
  if (production) removeAllBut([...Object.keys(extension.metafile.outputs), ...Object.keys(modules.outputs)]);
}

main().catch((error) => {
  // esbuild has printed its own errors.
  if (!error.errors) console.error(error);
  process.exit(1);
});
