import { readFileSync } from 'node:fs';
import { explainRequest, indexSnapshot } from '../../src/cli/explain-request.ts';
import { type Compilation, Compiler, type CompilerOptions } from '../../src/compiler/compiler.ts';
import { testOptions } from '../../src/compiler/test-support.ts';

/** Compiles files given as name → text. */
export function compileFiles(
  files: Readonly<Record<string, string>>,
  options: Partial<CompilerOptions> = {},
): Compilation {
  const inputs = Object.entries(files).map(([path, text]) => ({ path, text }));
  return new Compiler({ ...testOptions, ...options }).update(inputs);
}

/** A request of a case. */
export interface CaseRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a request came out as: percent by service ("404": no route), and names. */
export interface CaseAnswer {
  readonly shares: Readonly<Record<string, number>>;
  readonly rewrite: string | null;
  /** The route's name and those of its backends' Mappings, without namespaces. */
  readonly names: readonly string[];
  readonly route: string | null;
  readonly redirect: { readonly status: number; readonly location: string } | null;
}

/** Asks a compiled model about requests, as `serin explain --requests` does. */
export function askAll(
  compilation: Compilation,
  requests: readonly CaseRequest[],
  scheme: 'http' | 'https' = 'https',
): CaseAnswer[] {
  const index = indexSnapshot(compilation.snapshot);
  return requests.map((request) => {
    const { route, backends, rewrite, redirect } = explainRequest(index, { ...request, scheme });
    const shares: Record<string, number> = {};
    for (const { service, share, answer } of backends) {
      if (share === 0) continue;
      const key = service ?? String(answer?.status ?? 404);
      shares[key] = (shares[key] ?? 0) + share * 100;
    }
    const names = [route, ...backends.map(({ mapping }) => mapping ?? null)].filter((name) => name !== null);
    return {
      shares,
      rewrite,
      route,
      names: names.map((name) => name.split('.')[0]!),
      redirect: redirect ?? null,
    };
  });
}

/** The largest difference of two sets of shares, in points. */
export function shareDistance(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): number {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Math.max(0, ...[...keys].map((key) => Math.abs((a[key] ?? 0) - (b[key] ?? 0))));
}

/** Reads a file of JSON lines in test/cases. */
export function readCases<T>(name: string): T[] {
  const text = readFileSync(new URL(`../cases/${name}`, import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}
