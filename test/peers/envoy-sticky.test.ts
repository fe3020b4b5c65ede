import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { memberAt, stickyPoint } from '../../src/balancing/sticky.ts';
import { freePort } from '../../src/cli/demo/free-port.ts';
import { until } from '../support/serin.ts';

const envoy = process.env.SERIN_ENVOY ?? '.peers/venv/bin/envoy';

/** A route whose weighted clusters are chosen by a hash of x-user with the seed in front, or of a cookie. */
function config(port: number, admin: number, upstream: number, seed: string, canary: number): string {
  const member = (name: string, weight: number): object => ({
    name: 'upstream',
    weight,
    response_headers_to_add: [{ header: { key: 'x-member', value: name } }],
  });
  const seeded = (header: string, pattern: string): object => ({
    header: {
      header_name: header,
      regex_rewrite: { pattern: { regex: pattern }, substitution: `${seed}/\\1` },
    },
  });
  const route = (prefix: string, policy: object): object => ({
    match: { prefix },
    route: {
      weighted_clusters: {
        clusters: [member('canary', canary), member('stable', 1_000_000 - canary)],
        use_hash_policy: true,
      },
      hash_policy: [policy],
    },
  });
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'test',
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [
            route('/cookie', seeded('cookie', '^(?:.*; *)?release=([^;]*).*$')),
            route('/', seeded('x-user', '^(.*)$')),
          ],
        },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const address = (value: number): object => ({
    socket_address: { address: '127.0.0.1', port_value: value },
  });
  return JSON.stringify({
    admin: { address: address(admin) },
    static_resources: {
      listeners: [
        {
          address: address(port),
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        {
          name: 'upstream',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstream) } }] }],
          },
        },
      ],
    },
  });
}

test('Envoy’s hash policy gives a header’s and a cookie’s keys the points that Serin gives them', async () => {
  const seed = 'web.default';
  const canary = 123_400;
  const upstream = createServer((_request, response) => response.end());
  await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
  const port = await freePort(0);
  const admin = await freePort(0);
  const file = join(mkdtempSync(join(tmpdir(), 'serin-envoy-')), 'envoy.json');
  writeFileSync(file, config(port, admin, (upstream.address() as AddressInfo).port, seed, canary));
  const child = spawn(envoy, ['-c', file, '--concurrency', '1', '--use-dynamic-base-id', '-l', 'error']);
  let log = '';
  child.stderr.on('data', (text) => {
    log += String(text);
  });
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(log);
      return (await fetch(`http://127.0.0.1:${admin}/ready`).catch(() => null))?.ok === true;
    }, 10_000);
    let canaries = 0;
    for (let i = 0; i < 300; i++) {
      const key = i === 0 ? 'x' : `user-${i}-${'long '.repeat(i % 12).trim()}`;
      const expected = memberAt(stickyPoint(seed, key), [canary, 1_000_000 - canary], 1_000_000);
      if (expected === 0) canaries++;
      const byHeader = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-user': key } });
      const cookie = `a=1; release=${key}; b=2`;
      const byCookie = await fetch(`http://127.0.0.1:${port}/cookie`, { headers: { cookie } });
      const name = expected === 0 ? 'canary' : 'stable';
      expect([key, byHeader.headers.get('x-member'), byCookie.headers.get('x-member')]).toEqual([
        key,
        name,
        name,
      ]);
    }
    // Both sides have been seen.
    expect(canaries).toBeGreaterThan(10);
  } finally {
    child.kill('SIGKILL');
    upstream.close();
  }
});
