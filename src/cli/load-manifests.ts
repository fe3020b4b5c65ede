import { type Compilation, Compiler, type CompilerOptions } from '../compiler/compiler.ts';
import { certificateChecker } from '../runtime/certificate-checker.ts';
import { watchFiles } from '../sources/files.ts';
import { NamedFiles } from '../sources/named-files.ts';

/** What the commands that only look at manifests need to know. */
export interface ManifestOptions {
  readonly ambassadorId?: readonly string[];
  readonly isolateNamespaces?: boolean;
  readonly verifyUpstreams?: boolean;
  readonly unguarded?: boolean;
  readonly bind?: string;
}

/** Reads and compiles manifests once. Rejects for a path that is not there. */
export async function loadManifests(
  paths: readonly string[],
  options: ManifestOptions,
): Promise<Compilation> {
  const files = await watchFiles(paths, { follow: false }).start();
  return new Compiler(compilerOptions(options)).update(files);
}

function compilerOptions(options: ManifestOptions): CompilerOptions {
  return {
    ambassadorIds: options.ambassadorId ?? [process.env.AMBASSADOR_ID || 'default'],
    resolve: [],
    inCluster: false,
    zone: null,
    refuses: () => null,
    listen: [],
    bind: options.bind ?? '127.0.0.1',
    unguarded: options.unguarded ?? false,
    isolateNamespaces: options.isolateNamespaces ?? false,
    verifyUpstreams: options.verifyUpstreams ?? false,
    certificates: certificateChecker(),
    files: new NamedFiles(null),
    environment: process.env,
  };
}
