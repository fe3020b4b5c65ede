import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LOAD_CORE, type Running, startOn } from './process.ts';
import { type Backends, find } from './proxies.ts';

/** The pair of backends behind the proxies, and how to end them. */
export interface RunningBackends {
  readonly ports: Backends;
  stop(): Promise<void>;
}

/** Two backends that cost little (nghttpd, a file and a trailer), for h2load. */
export function fastBackends(folder: string, first: number): Promise<RunningBackends> {
  const root = join(resolve(folder), 'root');
  mkdirSync(join(root, 'helloworld.Greeter'), { recursive: true });
  writeFileSync(
    join(root, 'helloworld.Greeter', 'SayHello'),
    Buffer.from('\x00\x00\x00\x00\x0d\n\x0bHello world', 'latin1'),
  );
  return pair(first, (port) => [
    'nghttpd',
    '--no-tls',
    '--address=127.0.0.1',
    '-d',
    root,
    '--trailer=grpc-status: 0',
    String(port),
  ]);
}

/**
 * Two nginx that answer over HTTP/1.1: a few bytes, or so many KiB from a file, once they have read the whole request: `mirror` waits
 * for it. Answered before, Envoy cuts the rest of the request and the connection (two of three 1 MiB bodies), and others do not.
 */
export function http1Backends(folder: string, first: number): Promise<RunningBackends> {
  return pair(first, (port) => {
    const place = join(resolve(folder), `http1-${port}`);
    mkdirSync(place, { recursive: true });
    mkdirSync(join(place, 'helloworld.Greeter'), { recursive: true });
    for (const kib of [64, 1024]) {
      writeFileSync(join(place, 'helloworld.Greeter', `${kib}k`), Buffer.alloc(1024 * kib, 'y'));
    }
    // Zeros that take no room.
    const large = openSync(join(place, 'helloworld.Greeter', `${1024 * 1024}k`), 'w');
    ftruncateSync(large, 1024 ** 3);
    closeSync(large);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${place}/${kind};`,
    );
    writeFileSync(
      join(place, 'nginx.conf'),
      `daemon off; worker_processes 1; pid ${place}/nginx.pid; error_log stderr error;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; ${temporary.join(' ')}
server { listen 127.0.0.1:${port}; client_max_body_size 0; client_body_buffer_size 2m;
location / { default_type text/plain; return 200 "Hello world"; }
location ~ k$ { root ${place}; mirror /read; error_page 405 =200 $uri; }
location = /read { internal; return 204; } } }
`,
    );
    return [find('nginx')!, '-p', place, '-e', 'stderr', '-c', join(place, 'nginx.conf')];
  });
}

/** Two servers of WebSockets that send every message back. */
export function websocketBackends(first: number): Promise<RunningBackends> {
  return pair(first, (port) => [find('serin-bench')!, 'websocket-backend', '-listen', `127.0.0.1:${port}`]);
}

/** Two real grpc-go servers. */
export function grpcBackends(first: number): Promise<RunningBackends> {
  return pair(first, (port) => [find('serin-bench')!, 'backend', '-listen', `127.0.0.1:${port}`]);
}

async function pair(first: number, command: (port: number) => readonly string[]): Promise<RunningBackends> {
  const running: Running[] = [];
  for (const port of [first, first + 1]) running.push(await startOn(LOAD_CORE, command(port), port));
  return {
    ports: { stable: first, canary: first + 1 },
    stop: async () => {
      for (const one of running) await one.stop();
    },
  };
}
