import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import type { Compression, ContentCoding } from '../../model/http-settings.ts';

/** A stream of Node's zlib that can be asked for what it holds back. */
export interface Encoder extends Transform {
  flush(kind: number, callback?: () => void): void;
}

/** What a Node with zstd has more (22.15, 23.8); its types are younger than ours. */
interface ZlibWithZstd {
  createZstdCompress?(options: { params: Record<number, number> }): Encoder;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number; readonly ZSTD_e_flush?: number };
}

const withZstd = zlib as unknown as ZlibWithZstd;
const { constants } = zlib;

/** True if this Node has it. */
export function isAvailable(coding: ContentCoding): boolean {
  return coding !== 'zstd' || withZstd.createZstdCompress !== undefined;
}

/** What {@link Encoder.flush} is asked for: all that was written can be read, and nothing is forgotten. */
export function flushKind(coding: ContentCoding): number {
  if (coding === 'gzip') return constants.Z_SYNC_FLUSH;
  return coding === 'br' ? constants.BROTLI_OPERATION_FLUSH : withZstd.constants.ZSTD_e_flush!;
}

/** Windows of 256 KiB: with 16 MiB, which it would like, a call costs that much. */
const brotliWindowBits = 18;

/** Makes one; it has to be destroyed where it does not come to its end. @param length of the body in bytes; -1 = not known. */
export function makeEncoder(coding: ContentCoding, compression: Compression, length: number): Encoder {
  if (coding === 'gzip') {
    const { level, windowBits, memoryLevel: memLevel } = compression.gzip;
    return zlib.createGzip({ level, windowBits, memLevel });
  }
  if (coding === 'br') {
    const params: Record<number, number> = {
      [constants.BROTLI_PARAM_QUALITY]: compression.brotliQuality,
      [constants.BROTLI_PARAM_LGWIN]: brotliWindowBits,
    };
    if (length > 0) params[constants.BROTLI_PARAM_SIZE_HINT] = Math.min(length, 2 ** 30);
    return zlib.createBrotliCompress({ params }) as unknown as Encoder;
  }
  const level = withZstd.constants.ZSTD_c_compressionLevel!;
  return withZstd.createZstdCompress!({ params: { [level]: compression.zstdLevel } });
}
