/** The names of the built-in matchers, for checks that do not load them. */
export const matcherNames: readonly string[] = (
  'tsc gcc javac maven gradle dotnet go rustc php esbuild rollup vite webpack ' +
  'eslint-stylish eslint-unix eslint-compact stylelint biome shellcheck mypy pyright ruff pylint ' +
  'prettier black isort rustfmt gofmt github docker ' +
  'pytest python unittest googletest catch2 doctest sanitizer valgrind cargo-test ' +
  'go-test java rspec minitest phpunit perl bats mocha jest vitest node-test playwright ava jasmine node'
).split(' ');
