import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Credentials } from '../../src/kubernetes/credentials.ts';
import { makeCertificate } from './certificates.ts';

/** An API server that says what a test wants: odd answers that a real one cannot be made to give. */
export interface OddServer {
  readonly credentials: Credentials;
  /** Method, path and query of each request so far. */
  readonly asked: readonly string[];
  close(): void;
}

/** Starts one. @param answer gives the answer to a request; a watch is one that does not end it. */
export async function startOddServer(
  answer: (url: URL, response: ServerResponse, request: IncomingMessage) => void,
): Promise<OddServer> {
  const { certificate, privateKey } = makeCertificate({ subject: 'odd', names: ['127.0.0.1'] });
  const asked: string[] = [];
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(new URL(request.url ?? '/', 'https://odd'), response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true, ca: certificate });
  return {
    credentials: {
      server: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
      namespace: 'default',
      origin: 'a test',
      access: async () => ({ agent, headers: {} }),
      renew: () => {},
    },
    asked,
    close() {
      agent.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Answers with JSON. */
export function say(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
