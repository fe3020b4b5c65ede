import type { ValuePath } from '../../lib/position.ts';
import type { Compression, ContentCoding } from '../../model/http-settings.ts';
import { isMap } from '../field-types.ts';
import { type ApiVersion, type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding, isError } from '../issue.ts';

/** Ambassador's `gzip`: Envoy's filter of that name. */
const gzipFields: FieldTable = {
  enabled: { type: 'boolean' },
  compression_level: { type: 'any' },
  min_content_length: { type: 'integer' },
  content_type: { type: 'stringList' },
  window_bits: { type: 'integer' },
  memory_level: { type: 'integer' },
  disable_on_etag_header: { type: 'boolean' },
  remove_accept_encoding_header: { type: 'boolean' },
  compression_strategy: { type: 'string', served: 'no' },
};

/** Serin's `config.serin.compression`: further codings, and in place of `gzip` all of it. */
const ownFields: FieldTable = {
  codings: { type: 'stringList' },
  min_content_length: { type: 'integer' },
  content_type: { type: 'stringList' },
  disable_on_etag_header: { type: 'boolean' },
  remove_accept_encoding_header: { type: 'boolean' },
  gzip_level: { type: 'integer' },
  brotli_quality: { type: 'integer' },
  zstd_level: { type: 'integer' },
};

/** Envoy's default types, and what is text by its name and younger than that list. */
const defaultTypes = [
  'application/javascript',
  'application/json',
  'application/xhtml+xml',
  'image/svg+xml',
  'text/css',
  'text/html',
  'text/plain',
  'text/xml',
  'text/javascript',
  'text/event-stream',
  'application/xml',
  'application/wasm',
];

/** Words of Ambassador and Envoy, as levels of zlib. */
const levels: Readonly<Record<string, number>> = {
  DEFAULT: -1,
  DEFAULT_COMPRESSION: -1,
  BEST: 9,
  BEST_COMPRESSION: 9,
  SPEED: 1,
  BEST_SPEED: 1,
};
for (let level = 1; level <= 9; level++)
  (levels as Record<string, number>)[`COMPRESSION_LEVEL_${level}`] = level;

const codingNames: readonly ContentCoding[] = ['gzip', 'br', 'zstd'];

/** Ranges of the numbers: least, most. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  min_content_length: [0, 2 ** 31],
  window_bits: [9, 15],
  memory_level: [1, 9],
  gzip_level: [1, 9],
  brotli_quality: [0, 11],
  zstd_level: [1, 19],
};

/** Reads both; null where nothing is to be compressed. */
export function readCompression(
  gzip: unknown,
  own: unknown,
  version: ApiVersion,
  at: ValuePath,
): { compression: Compression | null; findings: Finding[] } {
  const findings: Finding[] = [];
  const read = (value: unknown, table: FieldTable, path: readonly string[]) => {
    if (!isMap(value)) return {};
    const kind = `config.${path.join('.')} of a Module`;
    const pathOf = (field: string): ValuePath => [...at, ...path, field];
    const { values, findings: found } = readFields(value, table, { kind, version, pathOf });
    findings.push(...found);
    for (const [field, [least, most]] of Object.entries(ranges)) {
      const number = values[field];
      if (typeof number !== 'number' || (number >= least && number <= most)) continue;
      const remedy = `write ${least} to ${most}`;
      const name = `config.${[...path, field].join('.')}`;
      findings.push(finding('invalid-value', pathOf(field), { field: name, reason: 'out of range', remedy }));
    }
    return values;
  };
  const a = read(gzip, gzipFields, ['gzip']);
  const b = read(own, ownFields, ['serin', 'compression']);
  const wrong = (path: string, reason: string, remedy: string): void => {
    const place = [...at, ...path.split('.')];
    findings.push(finding('invalid-value', place, { field: `config.${path}`, reason, remedy }));
  };
  const word = a.compression_level === undefined ? 'DEFAULT' : String(a.compression_level);
  const level = levels[word.toUpperCase()];
  if (level === undefined) {
    const remedy = 'write DEFAULT, BEST, SPEED or COMPRESSION_LEVEL_1 to _9';
    wrong('gzip.compression_level', `"${word}" is no level`, remedy);
  }
  const codings = (b.codings as string[] | undefined) ?? [];
  for (const coding of codings) {
    if ((codingNames as readonly string[]).includes(coding)) continue;
    wrong('serin.compression.codings', `"${coding}" is not known`, `write some of ${codingNames.join(', ')}`);
  }
  const types = (b.content_type ?? a.content_type ?? defaultTypes) as string[];
  const hasGzip = isMap(gzip) && a.enabled !== false;
  const offered = new Set<ContentCoding>([
    ...(codings as ContentCoding[]),
    ...(hasGzip ? ['gzip' as const] : []),
  ]);
  if (findings.some(isError) || offered.size === 0) return { compression: null, findings };
  const compression: Compression = {
    codings: [...offered],
    minLength: Number(b.min_content_length ?? a.min_content_length ?? 30),
    types: types.map((type) => type.toLowerCase().split(';')[0]!.trim()),
    skipStrongEtag: (b.disable_on_etag_header ?? a.disable_on_etag_header) === true,
    removeAcceptEncoding: (b.remove_accept_encoding_header ?? a.remove_accept_encoding_header) === true,
    gzip: {
      level: Number(b.gzip_level ?? level ?? -1),
      // Envoy's defaults: a call costs some 40 KB, and not the 256 of zlib's.
      windowBits: Number(a.window_bits ?? 12),
      memoryLevel: Number(a.memory_level ?? 5),
    },
    brotliQuality: Number(b.brotli_quality ?? 4),
    zstdLevel: Number(b.zstd_level ?? 3),
  };
  return { compression, findings };
}
