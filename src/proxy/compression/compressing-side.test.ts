import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkerMetrics } from '../../metrics/worker-metrics.ts';
import type { Compression } from '../../model/http-settings.ts';
import { encodePlain } from '../../protocol/hpack/plain.ts';
import { errorCode } from '../../protocol/http2/frames.ts';
import type { Exchange } from '../exchange.ts';
import type { AnswerHead, Downstream } from '../sides.ts';
import { CompressingSide } from './compressing-side.ts';

const compression: Compression = {
  codings: ['gzip'],
  minLength: 10,
  types: ['text/plain'],
  skipStrongEtag: false,
  removeAcceptEncoding: false,
  gzip: { level: -1, windowBits: 12, memoryLevel: 5 },
  brotliQuality: 4,
  zstdLevel: 3,
};

/** A client's side that writes down what it is told. */
class Recorder implements Downstream {
  readonly said: string[] = [];
  readonly bytes: Buffer[] = [];
  queuedBytes = 0;
  sendHead(_head: AnswerHead, fin: boolean): void {
    this.said.push(`head${fin ? ' fin' : ''}`);
  }
  sendSwitch(): void {
    this.said.push('switch');
  }
  sendData(bytes: Buffer, start: number, end: number, fin: boolean): void {
    this.bytes.push(Buffer.from(bytes.subarray(start, end)));
    if (fin) this.said.push('fin');
  }
  sendTrailers(): void {
    this.said.push('trailers');
  }
  reset(code: number): void {
    this.said.push(`reset ${code}`);
  }
  credit(): void {}
}

const body = Buffer.from('sing '.repeat(1000));
let client: Recorder;
let side: CompressingSide;
let settled: number;
let gateway: Record<string, unknown>;

function begin(contentLength = -1): void {
  const bytes = encodePlain([{ name: 'content-type', value: 'text/plain', neverIndexed: false }]);
  side.sendHead({ status: 200, lines: false, bytes, length: bytes.length, contentLength }, false);
}

beforeEach(() => {
  client = new Recorder();
  settled = 0;
  gateway = {
    metrics: new WorkerMetrics(),
    loop: { tick: () => 0 },
    limits: { compressions: 2 },
    compressions: 0,
  };
  const exchange = {
    method: 'GET',
    gateway,
    settleAnswerCredit: () => settled++,
  } as unknown as Exchange;
  side = new CompressingSide(client, exchange, compression, 'gzip', undefined);
});

describe('a body that is compressed', () => {
  it('counts as queued until zlib has taken it, and then the upstream may send more', async () => {
    begin();
    side.sendData(body, 0, body.length, false);
    expect(side.queuedBytes).toBe(body.length);
    client.queuedBytes = 7;
    await vi.waitFor(() => expect(side.queuedBytes).toBe(7));
    expect(settled).toBe(1);
  });

  it('ends with its trailers', async () => {
    begin();
    side.sendData(body, 0, body.length, false);
    side.sendTrailers(Buffer.from([1]), 0, 1);
    await vi.waitFor(() => expect(client.said).toEqual(['head', 'trailers']));
    expect(gunzipSync(Buffer.concat(client.bytes)).equals(body)).toBe(true);
  });

  it('is whole before NO_ERROR is said behind it (RFC 9113 8.1), and is cut by anything else', async () => {
    begin(body.length);
    side.sendData(body, 0, body.length, true);
    side.reset(errorCode.noError);
    expect(client.said).toEqual(['head']);
    await vi.waitFor(() => expect(client.said).toEqual(['head', 'fin', 'reset 0']));

    begin(body.length);
    side.sendData(body, 0, body.length, false);
    side.reset(errorCode.internalError);
    expect(client.said.slice(3)).toEqual(['head', 'reset 2']);
    expect(gateway.compressions).toBe(0);
  });

  it('goes nowhere when the call is over, whatever zlib is about to say', async () => {
    for (let n = 0; n < 20; n++) {
      begin();
      side.sendData(body, 0, body.length, n % 2 === 0);
      side.close();
      side.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(client.bytes).toEqual([]);
    expect(side.queuedBytes).toBe(0);
    expect(gateway.compressions).toBe(0);
  });

  it('stays as it is where too many are compressed already', () => {
    gateway.compressions = 2;
    begin();
    side.sendData(body, 0, body.length, true);
    expect(client.said).toEqual(['head', 'fin']);
    expect(client.bytes[0]!.equals(body)).toBe(true);
  });
});
