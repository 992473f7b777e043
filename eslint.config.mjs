import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['scripts/openapi-clients/**', '**/dist/**', 'coverage/**', 'node_modules/**', '.data/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/unbound-method': ['error', { ignoreStatic: true }],
      'no-console': 'error',
      // A sort column is never text from outside: TypeORM's query builder would execute it (docs/decisions).
      'no-restricted-syntax': [
        'error',
        { selector: 'CallExpression[callee.property.name=/^(addO|o)rderBy$/] > :not(Literal):first-child', message: 'orderBy takes a literal.' },
        {
          selector: 'VariableDeclarator[id.type="ArrayPattern"] > ArrayExpression > AwaitExpression',
          message: 'Who waits for several things one after the other writes them one after the other.',
        },
        { selector: "CallExpression[callee.name='forwardRef']", message: 'Modules do not depend on each other in circles.' },
      ],
    },
  },
  {
    files: ['test/**', '**/*.spec.ts'],
    rules: {
      // Bodies of HTTP answers are read as they come; the assertions are their types.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // Programs in JavaScript: their types are read, but parameters need not be annotated.
    files: ['**/*.{js,mjs,cjs}', 'bench/**'],
    languageOptions: { parserOptions: { projectService: false, project: 'tsconfig.programs.json' } },
    rules: {
      'no-console': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
    },
  },
  // What is taken out of a required module looks like a method of it.
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off', '@typescript-eslint/unbound-method': 'off' } },
  { files: ['src/cli.ts', 'src/cli/**', 'test/support/**'], rules: { 'no-console': 'off' } },
);
