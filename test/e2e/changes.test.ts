import { afterAll, beforeAll, expect, test } from 'vitest';
import { greeterClient } from '../../src/cli/demo/greeter.ts';
import { type Hello, startHello } from '../support/hello.ts';
import { scrape, sum } from '../support/scrape.ts';
import { until } from '../support/serin.ts';

let hello: Hello;
beforeAll(async () => {
  hello = await startHello(['--workers', '2']);
});
afterAll(async () => void (await hello?.stop()));

const CHANGES = 60;

test('weights that change and files that break, under load on 2 workers: every call is answered and counted', async () => {
  let [answered, running] = [0, true];
  const failures: string[] = [];
  const lanes = Array.from({ length: 8 }, async () => {
    const client = greeterClient(hello.serin.listen);
    while (running) {
      await client.sayHello('x').then(
        () => answered++,
        (error: Error) => failures.push(error.message),
      );
    }
    client.close();
  });
  for (let i = 1; i <= CHANGES; i++) {
    const weight = 1 + ((i * 37) % 99);
    const changed = hello.manifest.replace('weight: 20', `weight: ${weight}`);
    hello.write(i % 4 === 0 ? changed.replace('prefix: /helloworld', 'prefix: [/helloworld') : changed);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  hello.write(hello.manifest.replace('weight: 20', 'weight: 70'));
  await until(
    async () => sum(await scrape(hello.serin.admin), 'serin_split_weight', 'role="canary"') === 0.7,
    3000,
  );
  running = false;
  await Promise.all(lanes);
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(2000);
  await until(async () => sum(await scrape(hello.serin.admin), 'serin_requests_total') >= answered, 3000);
  const samples = await scrape(hello.serin.admin);
  expect(sum(samples, 'serin_requests_total')).toBe(answered);
  expect(sum(samples, 'serin_requests_total', 'grpc_status="0"')).toBe(answered);
  expect(sum(samples, 'serin_requests_in_flight')).toBe(0);
  expect(sum(samples, 'serin_config_errors')).toBe(0);
});
