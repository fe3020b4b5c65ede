import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GreeterServer, startGreeter } from '../../src/cli/demo/greeter.ts';
import { type RunningSerin, startSerin } from './serin.ts';

const manifest = readFileSync(new URL('../../examples/hello-grpc/hello-grpc.yaml', import.meta.url), 'utf8');

/** The hello-grpc example, running: two real servers and the gateway on a copy of the manifests. */
export interface Hello {
  readonly serin: RunningSerin;
  readonly file: string;
  /** The manifests unchanged. */
  readonly manifest: string;
  /** The manifests without the Service grpc-server-canary. */
  readonly withoutCanary: string;
  write(text: string): void;
  stop(): Promise<void>;
}

/** Starts it. @param args more arguments for `serin run`. */
export async function startHello(args: readonly string[] = []): Promise<Hello> {
  const servers: GreeterServer[] = [await startGreeter('1.0', 0), await startGreeter('1.1', 0)];
  const folder = mkdtempSync(join(tmpdir(), 'serin-hello-'));
  const file = join(folder, 'hello-grpc.yaml');
  writeFileSync(file, manifest);
  const serin = await startSerin([
    folder,
    '--resolve',
    `grpc-server.default.svc.cluster.local:50051=127.0.0.1:${servers[0]!.port}`,
    '--resolve',
    `grpc-server-canary.default.svc.cluster.local:50051=127.0.0.1:${servers[1]!.port}`,
    ...args,
  ]);
  const documents = manifest.split(/^---$/m);
  return {
    serin,
    file,
    manifest,
    withoutCanary: documents.filter((d) => !d.includes('name: grpc-server-canary\n')).join('---'),
    write: (text) => writeFileSync(file, text),
    stop: async () => {
      await serin.stop();
      for (const server of servers) server.close();
    },
  };
}
