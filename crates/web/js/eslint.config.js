import globals from 'globals';

export default [
  { ignores: ['src/cairn.js', 'src/cairn_bg.wasm', 'node_modules'] },
  {
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: 'module',
      globals: { ...globals.browser, ...globals.worker, ...globals.nodeBuiltin },
    },
    rules: {
      'no-undef': 'error',
      'no-unused-vars': 'error',
      'no-shadow': 'error',
      'no-eval': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
      'no-fallthrough': 'error',
      'no-unreachable': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'texts of strangers become elements there; set textContent' },
        { property: 'outerHTML', message: 'texts of strangers become elements there; set textContent' },
      ],
    },
  },
];
