/** Tests run on the TypeScript sources; the native addon is the built one. */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs', ignoreDynamic: true } }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1', '^ionclay$': '<rootDir>/lib/index.ts' },
  // Compares our files with what DeePMD-kit makes of them: only where a Python that has it is named.
  testPathIgnorePatterns: ['/node_modules/', ...(process.env.IONCLAY_DEEPMD_PYTHON ? [] : ['(deepmd|h5py)-reads\\.test\\.ts$'])],
  testTimeout: 120000,
};
