import type { CompilerOptions } from './compiler.ts';
import type { CertificateChecker, ExternalFiles } from './tls/certificate-checker.ts';

/** Takes everything for a good certificate. */
const credulous: CertificateChecker = {
  keyPair: () => ({ kind: 'good', names: [], invalid: null }),
  authorities: () => null,
  revocations: () => null,
  unknownCipher: () => null,
  unknownCurve: () => null,
};

/** Knows no file. */
const noFiles: ExternalFiles = {
  read: () => ({ problem: 'there are no files in this test' }),
  retain: () => undefined,
};

/** Options for tests: nothing is resolved, nothing is special. */
export const testOptions: CompilerOptions = {
  ambassadorIds: ['default'],
  resolve: [],
  inCluster: false,
  zone: null,
  refuses: () => null,
  listen: [],
  bind: '127.0.0.1',
  unguarded: false,
  isolateNamespaces: false,
  verifyUpstreams: false,
  certificates: credulous,
  files: noFiles,
  environment: {},
};
