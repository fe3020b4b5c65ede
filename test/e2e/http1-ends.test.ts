import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { encodePlain } from '../../src/protocol/hpack/plain.ts';
import { startPlane } from '../support/data-plane.ts';
import { RawHttp1 } from '../support/raw-http1.ts';
import { frame, uint32 } from '../support/raw-http2.ts';
import { startRawServer } from '../support/raw-http2-server.ts';

const manifest = `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: web}
spec: {prefix: /, rewrite: "", service: "web:80", timeout_ms: 0}
`;
const manifest2 = manifest.replace('timeout_ms', 'grpc: true, timeout_ms');

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).reverse()) await close();
});

describe('answers that end with their connection', () => {
  it.each([12, 18, 24])('end also for a client that reads slowly: %i MiB', async (mebibytes) => {
    const body = Buffer.alloc(mebibytes << 20, 'a');
    const web = http.createServer((_, response) => {
      response.write(body);
      response.end();
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    cleanUp.push(() => web.close());
    const plane = await startPlane(manifest, { 'web:80': [(web.address() as AddressInfo).port] });
    cleanUp.push(() => plane.close());

    const client = net.connect({ port: plane.port, host: '127.0.0.1' });
    cleanUp.push(() => client.destroy());
    client.write('GET / HTTP/1.0\r\n\r\n');
    let received = 0;
    client.on('data', (data) => {
      received += data.length;
      client.pause();
      setTimeout(() => client.resume(), 2);
    });
    await once(client, 'end', { signal: AbortSignal.timeout(10_000) });
    expect(received).toBeGreaterThan(body.length);
  });

  it('bring what came before the upstream reset the call, in the same segment', async () => {
    const head = encodePlain([{ name: ':status', value: '200', neverIndexed: false }]);
    const server = await startRawServer({
      onHead: (peer, stream) => {
        peer.send(frame(1, 4, stream, head));
        const last = [frame(0, 0, stream, Buffer.from('last words')), frame(3, 0, stream, uint32(0))];
        setTimeout(() => peer.send(Buffer.concat(last)), 50);
      },
    });
    cleanUp.push(() => server.close());
    const plane = await startPlane(manifest2, { 'web:80': [server.port] });
    cleanUp.push(() => plane.close());
    const client = await RawHttp1.connect(plane.port);
    cleanUp.push(() => client.destroy());
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const text = await client.rest();
    expect(text).toMatch(/last words/);
    // The last chunk is missing: nobody takes it for a whole answer.
    expect(text).not.toMatch(/0\r\n\r\n$/);
  });
});
