import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/cli/demo/free-port.ts';
import { type Peer, runPeer } from './peer.ts';
import { until } from './serin.ts';

/** nghttpd and h2load: a server and a load that cost little. */
export const nghttp2: Peer = {
  name: 'h2load and nghttpd',
  probe: ['sh', '-c', 'command -v h2load && PATH="$PATH:/usr/sbin" command -v nghttpd'],
  install: 'apt-get install nghttp2-client nghttp2-server',
};

/** A message of gRPC's Greeter: its frame and the text in it. */
function greeting(text: string): Buffer {
  const message = Buffer.concat([Buffer.from([0x0a, text.length]), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
}

/** A running nghttpd that answers /helloworld.Greeter/SayHello as a gRPC server does. */
export interface Nghttpd {
  readonly port: number;
  stop(): void;
}

/** Starts one. */
export async function startNghttpd(): Promise<Nghttpd> {
  const root = mkdtempSync(join(tmpdir(), 'serin-nghttpd-'));
  mkdirSync(join(root, 'helloworld.Greeter'));
  writeFileSync(join(root, 'helloworld.Greeter', 'SayHello'), greeting('Hello world'));
  const port = await freePort(0);
  const args = ['--no-tls', '--address=127.0.0.1', '-d', root, '--trailer=grpc-status: 0', String(port)];
  const child: ChildProcess = spawn('nghttpd', args, {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  await until(async () => (await fetch(`http://127.0.0.1:${port}`).catch((e: Error) => e)) !== null, 5000);
  return { port, stop: () => void child.kill('SIGKILL') };
}

/** What one h2load says. */
export interface H2loadResult {
  readonly answered: number;
  readonly out: string;
}

/** Runs so many calls of the Greeter to their end. @param rate calls a second of each connection; 0 = as fast as can be. */
export async function h2load(
  target: string,
  calls: number,
  connections: number,
  streams: number,
  rate: number,
): Promise<H2loadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'serin-h2load-'));
  const body = join(folder, 'request.bin');
  writeFileSync(body, greeting('world'));
  const { out, err } = await runPeer([
    'h2load',
    ...['-n', String(calls), '-c', String(connections), '-m', String(streams), '-t', '1', '-d', body],
    ...(rate > 0 ? ['--rps', String(rate)] : []),
    ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    `http://${target}/helloworld.Greeter/SayHello`,
  ]);
  return { answered: Number(/(\d+) 2xx/.exec(out)?.[1] ?? 0), out: `${out}${err}` };
}
