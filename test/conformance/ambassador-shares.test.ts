import { describe, expect, test } from 'vitest';
import { askAll, type CaseRequest, compileFiles, readCases, shareDistance } from './support.ts';

interface SharesCase {
  readonly case: number;
  readonly resources: readonly unknown[];
  readonly requests: readonly (CaseRequest & { readonly shares: Readonly<Record<string, number>> })[];
}

describe('shares as Emissary 4.1 gives them, within its rounding to whole percents', () => {
  test.each(readCases<SharesCase>('ambassador-shares.jsonl'))('set $case', ({ resources, requests }) => {
    const compilation = compileFiles({
      'all.json': JSON.stringify({ apiVersion: 'v1', kind: 'List', items: resources }),
    });
    const answers = askAll(compilation, requests);
    const wrong = requests.flatMap((request, index) => {
      const { shares } = answers[index]!;
      return shareDistance(shares, request.shares) <= 1.01 ? [] : [{ ...request, got: shares }];
    });
    expect(wrong).toEqual([]);
  });
});
