import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { isIPv6 } from 'node:net';
import { resolve as resolvePath } from 'node:path';
import type { Address } from '../runtime/options.ts';
import { ADMIN_SOCKET } from '../runtime/state-folder.ts';

/** Asks a running serin; a failure is one line that says what to do. */
export type AskAdmin = <T>(path: string) => Promise<T>;

/** Makes the function that asks. */
export function fetchAdmin(admin: Address, tokenFile: string | null): AskAdmin {
  const host = isIPv6(admin.address) ? `[${admin.address}]` : admin.address;
  const base = `http://${host}:${admin.port}`;
  const headers = authorization(tokenFile);
  return async <T>(path: string): Promise<T> => {
    let response: Response;
    try {
      response = await fetch(base + path, { headers, signal: AbortSignal.timeout(5000) });
    } catch {
      throw new Error(
        `no serin answers at ${base}; start one with "serin run PATH", or name it with --admin HOST:PORT`,
      );
    }
    if (!response.ok) {
      const body = (await response.json().catch(() => ({}))) as { error?: string };
      throw new Error(`${base}${path}: ${response.status} ${body.error ?? response.statusText}`);
    }
    return (await response.json()) as T;
  };
}

/** Where a running serin takes commands. */
export interface CommandedSerin {
  readonly admin: Address;
  readonly adminTokenFile?: string;
  readonly state?: string;
}

/** Gives a running serin a command: by the socket of its state folder, else at its admin port with a token. A failure is one line. */
export function postAdmin<T>(
  { admin, adminTokenFile, state }: CommandedSerin,
  path: string,
  body: unknown,
): Promise<T> {
  const socketPath = state === undefined ? undefined : resolvePath(state, ADMIN_SOCKET);
  const where = socketPath ?? `http://${admin.address}:${admin.port}`;
  const text = JSON.stringify(body);
  const headers = {
    ...authorization(adminTokenFile ?? null),
    host: 'localhost',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  };
  return new Promise((resolve, reject) => {
    const target = socketPath === undefined ? { host: admin.address, port: admin.port } : { socketPath };
    const call = request({ ...target, path, method: 'POST', headers, timeout: 30_000 }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const answer = parseAnswer(Buffer.concat(chunks).toString('utf8'));
      if (response.statusCode === 200) resolve(answer as T);
      else reject(new Error(answer.error ?? `${where}${path}: ${response.statusCode}`));
    });
    call.on('timeout', () => call.destroy(new Error('no answer within 30 s')));
    call.on('error', (error) => {
      const how =
        'name its state folder with --state DIR, its port with --admin HOST:PORT, or a cluster with --kubernetes';
      reject(new Error(`no serin answers at ${where} (${error.message}); ${how}`));
    });
    call.end(text);
  });
}

function parseAnswer(text: string): { error?: string } {
  try {
    return JSON.parse(text) as { error?: string };
  } catch {
    return {};
  }
}

function authorization(tokenFile: string | null): Record<string, string> {
  if (tokenFile === null) return {};
  return { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').split('\n')[0]!.trim()}` };
}
