import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { h2load, nghttp2, startNghttpd } from '../support/nghttp2.ts';
import { peerTest } from '../support/peer.ts';
import { scrape, sum } from '../support/scrape.ts';
import { startSerin, until } from '../support/serin.ts';

const ROUNDS = 20;
const LOADS = 4;
const CALLS_OF_A_LOAD = 5000;
const CHANGES_OF_A_ROUND = 10;
const CONNECTIONS = 5;
/** Calls a second of a connection: all loads together 20,000, so that a round lasts as long as its changes. */
const RATE = 1000;
const ALL_CALLS = ROUNDS * LOADS * CALLS_OF_A_LOAD;

const manifest = readFileSync(new URL('../../examples/hello-grpc/hello-grpc.yaml', import.meta.url), 'utf8');
const weighted = (weight: number) => manifest.replace('weight: 20', `weight: ${weight}`);
/** The ways to break the file that keep the last good state of what is in it. */
const breakages: readonly ((text: string) => string)[] = [
  (text) => text.replaceAll('prefix: /helloworld', 'prefix: [/helloworld'),
  (text) => text.replace(/weight: \d+/, 'weight: many'),
  (text) => text.replaceAll('apiVersion: v1', 'apiVersion: v1: v1'),
  (text) => text.replace(/weight: \d+/, 'wieght: 5'),
];

peerTest(
  nghttp2,
  `${ROUNDS * CHANGES_OF_A_ROUND} weight changes and broken files under ${ALL_CALLS} calls on 2 workers`,
  async () => {
    const servers = [await startNghttpd(), await startNghttpd()];
    const file = join(mkdtempSync(join(tmpdir(), 'serin-soak-')), 'hello-grpc.yaml');
    writeFileSync(file, manifest);
    const resolve = (name: string, at: number) => [
      '--resolve',
      `${name}.default.svc.cluster.local:50051=127.0.0.1:${servers[at]!.port}`,
    ];
    const serin = await startSerin([
      file,
      '--workers',
      '2',
      ...resolve('grpc-server', 0),
      ...resolve('grpc-server-canary', 1),
    ]);
    const canaryShare = async () => sum(await scrape(serin.admin), 'serin_split_weight', 'role="canary"');
    let [answered, changes, broken, round] = [0, 0, 0, 0];
    try {
      /** Changes the weight and waits until it is in force; every second change is followed by a broken file, which must not count. */
      const change = async () => {
        const weight = 1 + ((++changes * 37) % 98);
        writeFileSync(file, weighted(weight));
        await until(async () => (await canaryShare()) === weight / 100, 3000);
        if (changes % 2 !== 0) return;
        writeFileSync(file, breakages[broken++ % breakages.length]!(weighted(weight)));
        await until(async () => sum(await scrape(serin.admin), 'serin_config_errors') > 0, 3000);
        expect(await canaryShare(), `after broken file ${broken}`).toBe(weight / 100);
      };
      for (; round < ROUNDS; round++) {
        const loads = Array.from({ length: LOADS }, () =>
          h2load(serin.listen, CALLS_OF_A_LOAD, CONNECTIONS, 10, RATE),
        );
        for (let i = 0; i < CHANGES_OF_A_ROUND; i++) await change();
        for (const load of await Promise.all(loads)) {
          answered += load.answered;
          expect(load.answered, load.out).toBe(CALLS_OF_A_LOAD);
        }
      }
      await until(async () => sum(await scrape(serin.admin), 'serin_requests_in_flight') === 0, 3000);
      await until(async () => sum(await scrape(serin.admin), 'serin_requests_total') >= ALL_CALLS, 3000);
      const samples = await scrape(serin.admin);
      const counted = sum(samples, 'serin_requests_total');
      const canary = sum(samples, 'serin_requests_total', 'role="canary"');
      console.log(
        `${changes} weight changes, ${broken} broken files: ${answered} of ${ALL_CALLS} calls answered, ${counted} counted (${canary} by the canary)`,
      );
      expect([answered, counted]).toEqual([ALL_CALLS, ALL_CALLS]);
      expect(sum(samples, 'serin_requests_total', 'grpc_status="0"', 'code="200"')).toBe(ALL_CALLS);
      expect(sum(samples, 'serin_worker_deaths_total')).toBe(0);
    } finally {
      await serin.stop();
      for (const server of servers) server.stop();
    }
  },
);
