import { describe, expect, test } from 'vitest';
import type { Issue } from '../../src/resources/issue.ts';
import { askAll, type CaseRequest, compileFiles, readCases, shareDistance } from './support.ts';

interface RealCase {
  readonly case: string;
  readonly files: Readonly<Record<string, string>>;
  readonly requests: readonly (CaseRequest & {
    readonly route?: string | null;
    readonly shares?: Readonly<Record<string, number>>;
    readonly rewrite?: string | null;
  })[];
  readonly diagnostics: readonly Diagnostic[];
}

interface Diagnostic {
  readonly severity?: 'error' | 'warning';
  readonly file: string;
  readonly line: number;
  readonly lastLine?: number;
  readonly about: string;
}

function covers(wanted: Diagnostic, issue: Issue, files: RealCase['files']): boolean {
  const line = files[issue.file]?.split(/\r?\n/)[issue.line - 1] ?? '';
  const text = `${issue.message}\n${line}`.toLowerCase();
  return (
    issue.file === wanted.file &&
    issue.line >= wanted.line &&
    issue.line <= (wanted.lastLine ?? wanted.line) &&
    (wanted.severity === undefined || issue.severity === wanted.severity) &&
    text.includes(wanted.about.toLowerCase())
  );
}

const cases = readCases<RealCase>('real-world.jsonl');

describe('manifests as people write them', () => {
  test.each(cases)('requests of $case', ({ files, requests }) => {
    const answers = askAll(compileFiles(files), requests);
    requests.forEach((request, index) => {
      const got = answers[index]!;
      if (request.route === null) expect(got.route).toBeNull();
      else if (request.route !== undefined) expect(got.names).toContain(request.route);
      if (request.shares !== undefined) {
        expect(shareDistance(got.shares, request.shares), JSON.stringify([request, got])).toBeLessThanOrEqual(
          0.01,
        );
      }
      if (typeof request.rewrite === 'string') expect(got.rewrite).toBe(request.rewrite);
    });
  });

  test.each(cases)('diagnostics of $case', ({ files, diagnostics }) => {
    const { issues } = compileFiles(files);
    for (const wanted of diagnostics) {
      expect(
        issues.some((issue) => covers(wanted, issue, files)),
        JSON.stringify([wanted, issues]),
      ).toBe(true);
    }
    const errors = issues.filter(({ severity }) => severity === 'error');
    const unwanted = errors.filter((issue) => !diagnostics.some((wanted) => covers(wanted, issue, files)));
    expect(unwanted).toEqual([]);
  });
});
