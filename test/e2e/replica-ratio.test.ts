import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { greeterClient, startGreeter } from '../../src/cli/demo/greeter.ts';
import { scrape, sum } from '../support/scrape.ts';
import { startSerin, until } from '../support/serin.ts';

test('one Service over 3 pods of v1 and 1 of v1-1: the replica ratio is the split, 25 % exactly', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'serin-ratio-'));
  cpSync(fileURLToPath(new URL('../../examples/replica-ratio', import.meta.url)), folder, {
    recursive: true,
  });
  const servers = [];
  const file = join(folder, 'endpoints.yaml');
  let endpoints = readFileSync(file, 'utf8');
  for (const [port, version] of [
    [9101, '1.0'],
    [9102, '1.0'],
    [9103, '1.0'],
    [9104, '1.1'],
  ] as const) {
    const server = await startGreeter(version, 0);
    servers.push(server);
    endpoints = endpoints.replace(`port: ${port}`, `port: ${server.port}`);
  }
  writeFileSync(file, endpoints);
  const serin = await startSerin([folder, '--workers', '1']);
  const client = greeterClient(serin.listen);
  try {
    const counts = { '1.0': 0, '1.1': 0 };
    for (let i = 0; i < 400; i++) {
      const version = (await client.sayHello('x')).split(' ').at(-1) as '1.0' | '1.1';
      counts[version]++;
    }
    expect(counts).toEqual({ '1.0': 300, '1.1': 100 });
    await until(async () => sum(await scrape(serin.admin), 'serin_requests_total') === 400, 2000);
    const samples = await scrape(serin.admin);
    expect(sum(samples, 'serin_requests_total', 'version="v1"')).toBe(300);
    expect(sum(samples, 'serin_requests_total', 'version="v1-1"')).toBe(100);
    expect(sum(samples, 'serin_split_weight', 'version="v1-1"')).toBe(0.25);
  } finally {
    client.close();
    await serin.stop();
    for (const server of servers) server.close();
  }
});
