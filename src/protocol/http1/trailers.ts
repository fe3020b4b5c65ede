import { kindOfName } from '../hpack/field-names.ts';
import { lineKind, noKinds } from './field-kinds.ts';
import { FieldSection, headResult, type SectionLimits } from './field-section.ts';
import { linesToPlain } from './lines.ts';

/**
 * Names that mean something in front of a body only, or to a hop: what frames, routes, modifies, authenticates or
 * controls a message, or says what its content is (RFC 9110 6.5.1). A recipient that merged them into the head would
 * believe what nobody checked.
 */
const headOnly: ReadonlySet<string> = new Set([
  ...[
    'connection',
    'keep-alive',
    'proxy-connection',
    'transfer-encoding',
    'upgrade',
    'http2-settings',
    'te',
    'trailer',
  ],
  ...['content-length', 'host', 'forwarded', 'via', 'x-forwarded-for'],
  ...['cache-control', 'expect', 'max-forwards', 'pragma', 'range'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'],
  ...[
    'authorization',
    'proxy-authorization',
    'www-authenticate',
    'proxy-authenticate',
    'cookie',
    'set-cookie',
  ],
  ...['age', 'expires', 'date', 'location', 'retry-after', 'vary', 'warning'],
  ...['content-encoding', 'content-type', 'content-range'],
]);

/** True when a field of this name (lower case) may go on in trailers. */
export function isTrailerName(name: string): boolean {
  return !headOnly.has(name) && kindOfName(name) !== lineKind.dropped;
}

/**
 * Reads trailer sections (RFC 9112 7.1.2) as strictly as heads. One for a worker: its values are those of the section
 * that was read last.
 */
export class TrailerSection extends FieldSection {
  readonly #scratch: Buffer;
  /** Most bytes of a section with its empty line that is not refused. */
  readonly maxBytes: number;
  /** Those that may go on, as a plain block of its own; null when there are none. Others are left out. */
  plain: Buffer | null = null;

  constructor(limits: SectionLimits) {
    super(noKinds, limits);
    this.maxBytes = limits.maxListBytes + 2;
    this.#scratch = Buffer.allocUnsafeSlow(limits.maxListBytes);
  }

  /** Reads the lines at `start` up to and with the empty one; one of {@link headResult}. */
  read(bytes: Buffer, start: number, end: number): number {
    this.resetSection();
    this.plain = null;
    const result = this.readFields(bytes, start, end);
    if (result !== headResult.ok) return result;
    const to = this.writeLines(bytes, this.#scratch, 0);
    const block = linesToPlain(this.#scratch, 0, to, isTrailerName);
    this.plain = block.length === 0 ? null : block;
    return headResult.ok;
  }

  protected override take(): boolean {
    return true;
  }
}
