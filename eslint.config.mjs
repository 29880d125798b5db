import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** The folders of `src`, each with its rank. A folder imports only from folders of a lower rank. */
const layers = [
  ['core/model'],
  ['core/support'],
  ['core/process'],
  ['core/git'],
  ['core/location'],
  ['core/history'],
  ['core/http'],
  ['core/logs'],
  ['core/environments'],
  ['core/ci'],
  ['core/feedback'],
  ['core/pipeline'],
  ['core/runner'],
  ['core/metrics'],
  ['cli', 'cli.ts'],
  ['editor', 'extension.ts'],
];

const zones = layers.flatMap((folders, rank) => {
  const above = layers.slice(rank + 1).flat();
  return above.length === 0
    ? []
    : [
        {
          target: folders.map((folder) => `./src/${folder}`),
          from: above.map((folder) => `./src/${folder}`),
          message: 'Imports go down the layers only: see src/README.md.',
        },
      ];
});

export default tseslint.config(
  { ignores: ['dist/**', '.vscode-test/**', 'media/sample/**', 'node_modules/**'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.js'] })] },
    rules: { 'import-x/no-restricted-paths': ['error', { zones }], 'import-x/no-self-import': 'error' },
  },
  {
    files: ['src/core/**/*.ts', 'src/cli.ts', 'src/cli/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [{ name: 'vscode', message: 'Only the editor imports vscode.' }] }] },
  },
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/no-unused-expressions': 'off' } },
);
