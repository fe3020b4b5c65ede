import { GatewayCount } from '../../metrics/catalog.ts';
import {
  defaultMaxFrame,
  frameFlag,
  frameHeaderBytes,
  frameType,
  writeFrameHeader,
  writeUint32,
} from '../../protocol/http2/frames.ts';
import { Connection } from '../connection.ts';
import type { Limits } from '../limits.ts';
import type { Loop } from '../loop.ts';
import type { Transport, TransportOwner } from '../transport/transport.ts';

/** What both kinds of connection need from the worker. */
export interface Http2Environment {
  readonly loop: Loop;
  readonly limits: Limits;
  /** `WorkerMetrics.gateway`. */
  readonly counts: Float64Array;
  /** Takes note of a fault of the gateway's own. */
  readonly onFault: (error: Error) => void;
}

/** The writing half of an HTTP/2 connection: frames into the output buffer (RFC 9113 6). */
export abstract class FrameWriter extends Connection {
  protected readonly environment: Http2Environment;

  constructor(environment: Http2Environment, open: (owner: TransportOwner) => Transport) {
    super(environment.loop, open);
    this.environment = environment;
  }

  /** SETTINGS as pairs of identifier and value. */
  protected sendSettings(pairs: readonly (readonly [id: number, value: number])[]): void {
    const out = this.room(frameHeaderBytes + pairs.length * 6);
    let to = writeFrameHeader(out, this.position, pairs.length * 6, frameType.settings, 0, 0);
    for (const [id, value] of pairs) {
      out[to++] = id >>> 8;
      out[to++] = id;
      writeUint32(out, to, value);
      to += 4;
    }
    this.position = to;
  }

  /** @param stream 0 = the connection's window. */
  sendWindowUpdate(stream: number, increment: number): void {
    const out = this.room(frameHeaderBytes + 4);
    const to = writeFrameHeader(out, this.position, 4, frameType.windowUpdate, 0, stream);
    writeUint32(out, to, increment);
    this.position = to + 4;
  }

  sendReset(stream: number, code: number): void {
    const out = this.room(frameHeaderBytes + 4);
    const to = writeFrameHeader(out, this.position, 4, frameType.rstStream, 0, stream);
    writeUint32(out, to, code);
    this.position = to + 4;
  }

  /** A PING with eight bytes of 0. */
  protected sendPing(): void {
    this.environment.counts[GatewayCount.PINGS_SENT!]!++;
    const out = this.room(frameHeaderBytes + 8);
    const to = writeFrameHeader(out, this.position, 8, frameType.ping, 0, 0);
    out.fill(0, to, to + 8);
    this.position = to + 8;
  }

  /** @param debug why, in a few words (RFC 9113 6.8, "Additional Debug Data"). */
  protected sendGoaway(lastStream: number, code: number, debug: string): void {
    this.environment.counts[GatewayCount.GOAWAY_SENT!]!++;
    const out = this.room(frameHeaderBytes + 8 + debug.length);
    const to = writeFrameHeader(out, this.position, 8 + debug.length, frameType.goaway, 0, 0);
    writeUint32(out, to, lastStream);
    writeUint32(out, to + 4, code);
    this.position = to + 8 + out.write(debug, to + 8, 'latin1');
  }

  /** Room for a frame that the caller writes itself, at {@link framePosition}. */
  frameRoom(bytes: number): Buffer {
    return this.room(bytes);
  }

  get framePosition(): number {
    return this.position;
  }

  /** The frame reaches to `end`. */
  frameWritten(end: number): void {
    this.position = end;
  }

  /** Trailers, which end a stream. */
  writeTrailers(stream: number, block: Buffer, start: number, end: number): void {
    this.writeBlock(stream, true, block, start, end);
  }

  /** Writes a header block as HEADERS and, where it is longer than a frame, CONTINUATION. */
  protected writeBlock(stream: number, fin: boolean, block: Buffer, start: number, end: number): void {
    let from = start;
    let type: number = frameType.headers;
    let flags: number = fin ? frameFlag.endStream : 0;
    do {
      const length = Math.min(end - from, defaultMaxFrame);
      if (from + length === end) flags |= frameFlag.endHeaders;
      const out = this.room(frameHeaderBytes + length);
      const to = writeFrameHeader(out, this.position, length, type, flags, stream);
      if (length < 24) for (let i = 0; i < length; i++) out[to + i] = block[from + i]!;
      else out.set(block.subarray(from, from + length), to);
      this.position = to + length;
      from += length;
      type = frameType.continuation;
      flags = 0;
    } while (from < end);
  }

  /** Writes one DATA frame; the caller has looked at the windows and reduced them. */
  writeData(stream: number, fin: boolean, bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    const out = this.room(frameHeaderBytes + length);
    const to = writeFrameHeader(
      out,
      this.position,
      length,
      frameType.data,
      fin ? frameFlag.endStream : 0,
      stream,
    );
    if (length < 24) for (let i = 0; i < length; i++) out[to + i] = bytes[start + i]!;
    else out.set(bytes.subarray(start, end), to);
    this.position = to + length;
  }
}
