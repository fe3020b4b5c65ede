import { describe, expect, it } from 'vitest';
import { decodePlain } from '../protocol/hpack/plain.ts';
import type { Exchange } from './exchange.ts';
import { PathInfo } from './path-info.ts';
import { Random } from './random.ts';
import { requestIdBytes, requestLine, writeRequestId } from './request-head.ts';
import type { BackendRuntime } from './route-runtime.ts';

const wire = (text: string) => ({ text, encoded: Buffer.from(text, 'latin1') });
const texts = (block: Buffer): string[] =>
  decodePlain(block, 0, block.length).map(({ name, value }) => `${name}: ${value}`);

describe('writeRequestId', () => {
  it('writes a random UUID of version 4 (RFC 9562)', () => {
    const random = new Random();
    const seen = new Set<string>();
    for (let n = 0; n < 1000; n++) {
      const bytes = Buffer.alloc(requestIdBytes + 4);
      expect(writeRequestId(bytes, 2, random)).toBe(2 + requestIdBytes);
      const [field] = decodePlain(bytes, 2, 2 + requestIdBytes);
      expect(field!.name).toBe('x-request-id');
      expect(field!.value).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      seen.add(field!.value);
    }
    expect(seen.size).toBe(1000);
  });
});

describe('requestLine', () => {
  const backendWith = (rewrite: object, hostRewrite: string | null = null, protocol = 'h2'): BackendRuntime =>
    ({ backend: { rewrite, hostRewrite, protocol, tls: null } }) as unknown as BackendRuntime;
  const lineOf = (call: Exchange, backend: BackendRuntime): Buffer => {
    const line = requestLine(call, backend);
    if (line === null) throw new Error('no line');
    return line;
  };
  const exchange = (path: string): Exchange =>
    ({
      pathInfo: new PathInfo(wire(path)),
      authority: wire('a.test:80'),
      method: 'POST',
    }) as unknown as Exchange;

  it('is written from what was understood, once for each path and backend', () => {
    const call = exchange('/a/./b?x=1');
    const backend = backendWith({ kind: 'prefix', length: 2, to: '/z' });
    const line = lineOf(call, backend);
    expect(texts(line)).toEqual([
      ':method: POST',
      ':scheme: http',
      ':path: /z/b?x=1',
      ':authority: a.test:80',
    ]);
    expect(lineOf(call, backend)).toBe(line);
    expect(texts(lineOf(call, backendWith({ kind: 'keep' }, 'other')))).toContain(':authority: other');
  });

  it('is request line and Host for HTTP/1.1, with raw bytes above ASCII encoded', () => {
    const http1 = backendWith({ kind: 'prefix', length: 2, to: '/z' }, null, 'http1');
    expect(lineOf(exchange('/a/b\xc3\xab?x=1'), http1).toString('latin1')).toBe(
      'POST /z/b%C3%AB?x=1 HTTP/1.1\r\nHost: a.test:80\r\n',
    );
  });

  it('is none where HTTP/1.1 has no form for it', () => {
    const call = { ...exchange('/a'), authority: wire('user@a test') } as unknown as Exchange;
    expect(requestLine(call, backendWith({ kind: 'keep' }, null, 'http1'))).toBeNull();
  });

  it('leaves the asterisk alone', () => {
    expect(texts(lineOf(exchange('*'), backendWith({ kind: 'whole', to: '/z' })))).toContain(':path: *');
  });
});
