import type { CompilerOptions } from './compiler.ts';

/** Options for tests: nothing is resolved, nothing is special. */
export const testOptions: CompilerOptions = {
  ambassadorIds: ['default'],
  resolve: [],
  listen: [],
  unguarded: false,
  isolateNamespaces: false,
  environment: {},
};
