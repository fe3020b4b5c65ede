import { readFileSync } from 'node:fs';

/** A case of `test/cases/http1-raw.json`: bytes on a connection, and every outcome that the specification permits. */
export interface RawCase {
  readonly name: string;
  readonly bytes_hex: string;
  readonly expect: {
    readonly 'one of': readonly string[];
    readonly after?: 'close';
    readonly forwarded?: {
      readonly must_have?: readonly string[];
      readonly must_not_have?: readonly string[];
      readonly must_have_hex?: readonly string[];
      readonly must_not_have_hex?: readonly string[];
      readonly lines_at_most?: Readonly<Record<string, number>>;
    };
  };
}

/** All of them. */
export const rawCases: readonly RawCase[] = JSON.parse(
  readFileSync(new URL('../cases/http1-raw.json', import.meta.url), 'utf8'),
);
