import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../src/cli/demo/free-port.ts';
import { bodyLengths } from '../../support/compatibility.ts';
import { python } from '../../support/peer.ts';
import { bytesOf, hashOf } from '../../support/reference-backend.ts';
import { until } from '../../support/serin.ts';

/** A backend in a process of its own. */
export interface StartedBackend {
  readonly port: number;
  stop(): void;
}

const here = fileURLToPath(new URL('.', import.meta.url));

async function started(command: readonly [string, ...string[]], port: number): Promise<StartedBackend> {
  const [program, ...args] = command;
  const said: string[] = [];
  const child: ChildProcess = spawn(program, args, { cwd: here, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data) => said.push(String(data)));
  child.on('error', (error) => said.push(error.message));
  await until(() => isOpen(port), 10_000).catch(() => {
    child.kill('SIGKILL');
    throw new Error(`${program} does not listen: ${said.join('')}`);
  });
  return { port, stop: () => void child.kill('SIGTERM') };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** With threads, since its plain workers keep no connections. @param keepSeconds for which it keeps idle ones. */
export async function startGunicorn(keepSeconds: number): Promise<StartedBackend> {
  const port = await freePort(0);
  const options = ['--bind', `127.0.0.1:${port}`, '--worker-class', 'gthread', '--threads', '32'];
  const keep = ['--keep-alive', String(keepSeconds), '--log-level', 'critical'];
  return started([python, '-m', 'gunicorn', 'wsgi_app:app', ...options, ...keep], port);
}

/** @param keepSeconds for which it keeps idle connections. */
export async function startUvicorn(keepSeconds: number): Promise<StartedBackend> {
  const port = await freePort(0);
  const options = ['--port', String(port), '--log-level', 'critical', '--lifespan', 'off'];
  const keep = ['--timeout-keep-alive', String(keepSeconds)];
  return started([python, '-m', 'uvicorn', 'asgi_app:app', ...options, ...keep], port);
}

/** Files, stored by PUT and read by GET. @param folder where it has them. @param keep its `keepalive_timeout`. */
export async function startNginx(folder: string, keep: string): Promise<StartedBackend> {
  const port = await freePort(0);
  mkdirSync(join(folder, 'put'), { recursive: true });
  const locations = bodyLengths.map((length) => {
    const file = join(folder, `file-${length}`);
    writeFileSync(file, bytesOf(length));
    const hash = `add_header x-sha256 ${hashOf(length)}`;
    return `
    location = /bytes/${length} { alias ${file}; ${hash}; }
    # A filter that finds nothing, but does not know that beforehand: chunks.
    location = /chunked/${length} { alias ${file}; ${hash}; sub_filter_types *; sub_filter "no such words" ""; }`;
  });
  const configuration = join(folder, 'nginx.conf');
  writeFileSync(
    configuration,
    `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections 1024; }
http {
  access_log off;
  default_type text/plain;
  keepalive_timeout ${keep};
  client_max_body_size 0;
  client_body_temp_path ${folder}/bodies;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    root ${folder};
    location /put/ { dav_methods PUT; }
    location = /post { return 200 posted; }
    location = /empty { return 204; }
    location = /same { alias ${folder}/file-1; }${locations.join('')}
  }
}
`,
  );
  return started(['nginx', '-c', configuration, '-e', `${folder}/error.log`], port);
}

/** The Go server of test/peers/go/compat, which speaks HTTP/1.1 and HTTP/2 on one port. */
export async function startGo(program: string): Promise<StartedBackend> {
  const child = spawn(program, ['server'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.stdout.once('data', (data) => resolve(String(data)));
  });
  const { port } = JSON.parse(said) as { port: number };
  return { port, stop: () => void child.kill('SIGTERM') };
}
