import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { Address } from '../runtime/options.ts';

/** Asks a running serin; a failure is one line that says what to do. */
export type AskAdmin = <T>(path: string) => Promise<T>;

/** Makes the function that asks. */
export function fetchAdmin(admin: Address, tokenFile: string | null): AskAdmin {
  const host = isIPv6(admin.address) ? `[${admin.address}]` : admin.address;
  const base = `http://${host}:${admin.port}`;
  const headers: Record<string, string> = {};
  if (tokenFile !== null)
    headers.authorization = `Bearer ${readFileSync(tokenFile, 'utf8').split('\n')[0]!.trim()}`;
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
