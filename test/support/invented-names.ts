import type { ClientHttp2Session } from 'node:http2';

/** What the names of {@link inventedCall} look like; none of them may become a label. */
export const inventedName: RegExp = /host\d|\/m\d|AAAA|agent/;

/** A gRPC call whose method, path, host and user agent nobody has configured; resolves at its end. @param i makes it unlike others. */
export function inventedCall(
  session: ClientHttp2Session,
  i: number,
  method: string,
  path: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': method,
      ':path': path,
      ':authority': `host${i}.example`,
      'user-agent': `agent ${i}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', reject);
    stream.on('close', resolve);
    stream.resume();
    stream.end();
  });
}
