import { spawnSync } from 'node:child_process';
import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { greeterClient } from '../../src/cli/demo/greeter.ts';
import { type Hello, startHello } from '../support/hello.ts';
import { inventedCall, inventedName } from '../support/invented-names.ts';
import { type Peer, peerTest, python } from '../support/peer.ts';
import { scrape, sum } from '../support/scrape.ts';
import { serinCommand, until } from '../support/serin.ts';

let hello: Hello;
beforeAll(async () => {
  hello = await startHello(['--workers', '2']);
  const client = greeterClient(hello.serin.listen);
  for (let i = 0; i < 20; i++) await client.sayHello('x');
  client.close();
});
afterAll(async () => void (await hello?.stop()));

const parsers: Peer = {
  name: 'prometheus_client',
  probe: [python, '-c', 'import prometheus_client'],
  install: 'python3 -m venv .peers/venv && .peers/venv/bin/pip install prometheus_client',
};

describe('metrics of a running gateway', () => {
  test('names that clients invent make no series (report 22)', async () => {
    // The calls made before have been reported, so that their series do not count as new.
    await until(async () => sum(await scrape(hello.serin.admin), 'serin_requests_total') === 20, 3000);
    const before = (await scrape(hello.serin.admin)).size;
    const session = connect(`http://${hello.serin.listen}`);
    const ask = (i: number) =>
      i % 2 === 0
        ? inventedCall(session, i, 'POST', `/helloworld.Greeter/m${i}`)
        : inventedCall(session, i, `AAAA${i % 1000}`, `/x${i}.Y/m${i}`);
    for (let i = 0; i < 4000; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => ask(i + k)));
    session.close();
    await until(async () => sum(await scrape(hello.serin.admin), 'serin_requests_total') === 4020, 3000);
    const after = await scrape(hello.serin.admin);
    expect(after.size - before).toBeLessThan(100);
    expect(sum(after, 'serin_requests_total', 'route="none"')).toBe(2000);
    expect([...after.keys()].filter((name) => inventedName.test(name))).toEqual([]);
  });

  test('status and the API show both versions', async () => {
    const admin = new URL(hello.serin.admin).host;
    const { code, out } = await serinCommand(['status', '--admin', admin, '-o', 'json']);
    expect(code).toBe(0);
    const rows = JSON.parse(out) as { version: string; share: string }[];
    expect(rows.map((r) => [r.version, r.share]).sort()).toEqual([
      ['v1', '80 %'],
      ['v1-1', '20 %'],
    ]);
    const table = await serinCommand(['status', '--admin', admin]);
    expect(table.out).toContain('p99 ms');
  });

  peerTest(parsers, 'both formats are read by Prometheus’ own parsers (report 24)', async () => {
    for (const [accept, module] of [
      ['*/*', 'prometheus_client.parser'],
      ['application/openmetrics-text;version=1.0.0', 'prometheus_client.openmetrics.parser'],
    ] as const) {
      const text = await (await fetch(`${hello.serin.admin}/metrics`, { headers: { accept } })).text();
      const program = `import sys\nfrom ${module} import text_string_to_metric_families as f\nprint(len(list(f(sys.stdin.read()))))`;
      const run = spawnSync(python, ['-c', program], { input: text, encoding: 'utf8' });
      expect(run.stderr).toBe('');
      expect(Number(run.stdout)).toBeGreaterThan(20);
    }
  });
});
