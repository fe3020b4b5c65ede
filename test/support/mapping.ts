import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificates.ts';
import { type RunningSerin, startSerin } from './serin.ts';
import { context, pair } from './tls-manifests.ts';

/** Where {@link startForAll}'s port speaks TLS: the file of the authority that has signed its certificate. */
export interface SecuredAll extends RunningSerin {
  readonly authority: string;
}

/** As {@link startForAll}, and the port takes TLS for 127.0.0.1, too. */
export async function startSecuredForAll(port: number): Promise<SecuredAll> {
  const signer = makeCertificate({ subject: 'authority' });
  const certificate = makeCertificate({ subject: 'gateway', names: ['127.0.0.1'], issuer: signer });
  const folder = mkdtempSync(join(tmpdir(), 'serin-secured-'));
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, signer.certificate);
  const contexts = join(folder, 'tls.yaml');
  writeFileSync(contexts, pair('gateway', certificate) + context('gateway', 'hosts: ["*"], secret: gateway'));
  return { ...(await startForAll(port, [contexts])), authority };
}

/** Starts the gateway with one Mapping for every host and a prefix (all paths unless said), to one HTTP/2 backend on loopback. */
export function startForAll(port: number, args: readonly string[] = [], prefix = '/'): Promise<RunningSerin> {
  const file = join(mkdtempSync(join(tmpdir(), 'serin-all-')), 'all.yaml');
  writeFileSync(
    file,
    `apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: all}\nspec: {hostname: "*", prefix: ${prefix}, grpc: true, service: "all:80"}\n`,
  );
  return startSerin([file, '--workers', '1', '--resolve', `all.default:80=127.0.0.1:${port}`, ...args]);
}
