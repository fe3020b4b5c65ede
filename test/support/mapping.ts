import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningSerin, startSerin } from './serin.ts';

/** Starts the gateway with one Mapping for every host and a prefix (all paths unless said), to one HTTP/2 backend on loopback. */
export function startForAll(port: number, args: readonly string[] = [], prefix = '/'): Promise<RunningSerin> {
  const file = join(mkdtempSync(join(tmpdir(), 'serin-all-')), 'all.yaml');
  writeFileSync(
    file,
    `apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: all}\nspec: {hostname: "*", prefix: ${prefix}, grpc: true, service: "all:80"}\n`,
  );
  return startSerin([file, '--workers', '1', '--resolve', `all.default:80=127.0.0.1:${port}`, ...args]);
}
