import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPlane, type TestPlane } from '../support/data-plane.ts';

/** For how long backends keep an idle connection, in ms. */
const keptMs = 1000;
const clients = 50;
const roundsOfAClient = 8;

/** How often each id arrived in a POST. */
const posted = new Map<string, number>();

function take(method: string | undefined, url: string): void {
  if (method === 'POST') posted.set(url, (posted.get(url) ?? 0) + 1);
}

/** A backend that says for how long it keeps connections, as Node's does. */
const honest = http.createServer({ keepAliveTimeout: keptMs }, (request, response) => {
  request.resume();
  request.on('end', () => {
    take(request.method, request.url!);
    response.end('ok');
  });
});

/** One that does not say it, and closes. @param reset it resets the connection with the last byte of each answer. */
function rude(reset: boolean): net.Server {
  return net.createServer((socket) => {
    let text = '';
    let idle = setTimeout(() => socket.end(), keptMs);
    socket.on('error', () => {});
    socket.on('close', () => clearTimeout(idle));
    socket.on('data', (data) => {
      text += data;
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        const [method, url] = text.split(' ', 2);
        take(method, url!);
        text = text.slice(end + 4 + length);
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', () => {
          if (reset) socket.resetAndDestroy();
        });
        clearTimeout(idle);
        idle = setTimeout(() => socket.end(), keptMs);
      }
    });
  });
}

const backends: Readonly<Record<string, net.Server>> = { honest, silent: rude(false), resetting: rude(true) };
let plane: TestPlane;

beforeAll(async () => {
  const ports: Record<string, number[]> = {};
  for (const [name, server] of Object.entries(backends)) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports[`${name}:80`] = [(server.address() as AddressInfo).port];
  }
  const mappings = Object.keys(backends).map(
    (name) => `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: ${name}}
spec: {prefix: /${name}/, rewrite: "", service: "${name}:80", timeout_ms: 5000}
`,
  );
  plane = await startPlane(mappings.join(''), ports);
});

afterAll(async () => {
  await plane.close();
  honest.closeAllConnections();
  for (const server of Object.values(backends)) server.close();
});

async function call(agent: http.Agent, method: string, path: string): Promise<number> {
  const request = http.request({ port: plane.port, agent, method, path });
  request.end(method === 'POST' ? 'hello' : undefined);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode!;
}

/** Calls about as far apart as the backends keep connections. */
async function calls(method: string, name: string): Promise<number[]> {
  const one = async (client: number): Promise<number[]> => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const statuses: number[] = [];
    await sleep(Math.random() * keptMs);
    for (let round = 0; round < roundsOfAClient; round++) {
      statuses.push(await call(agent, method, `/${name}/${client}-${round}`));
      await sleep(keptMs * (0.95 + Math.random() / 10));
    }
    agent.destroy();
    return statuses;
  };
  return (await Promise.all(Array.from({ length: clients }, (_, n) => one(n)))).flat();
}

// reports.md 13
it.concurrent.each(Object.keys(backends))(
  'a backend that closes kept connections, %s: no GET fails, and no POST arrives twice',
  async (name) => {
    const [gets, posts] = await Promise.all([calls('GET', name), calls('POST', name)]);
    expect(gets.filter((status) => status !== 200)).toEqual([]);
    // Where the reset comes with the answer's last byte, a POST may have taken the connection in between: then nobody knows whether it
    // was handled, and it is not sent again.
    const lost = posts.filter((status) => status !== 200);
    expect(lost.filter((status) => status !== 503 || name !== 'resetting')).toEqual([]);
    expect(lost.length).toBeLessThan(posts.length / 4);
    const ids = [...posted].filter(([path]) => path.startsWith(`/${name}/`));
    expect(ids.length).toBeGreaterThanOrEqual(posts.length - lost.length);
    expect(ids.filter(([, times]) => times !== 1)).toEqual([]);
  },
);
