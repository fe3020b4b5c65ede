import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ApiError, objectPath } from './support/api.ts';
import {
  canary,
  canaryDefinition,
  canaryPath,
  getCanary,
  greeterMapping,
  mappedService,
  readyReason,
} from './support/canaries.ts';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { repository } from './support/environment.ts';
import { type EventObject, eventsOf } from './support/events.ts';
import { startLoad } from './support/load.ts';
import { shopRelease } from './support/manifests.ts';
import { serinLogs, serinPorts, startSerinPods } from './support/serin-pods.ts';

let cluster: Cluster;
let target: string;
const selector = { app: 'shop' };
const twoVersions = { stable: 'v1', canary: 'v2', weight: 5 };

beforeAll(async () => {
  cluster = await startCluster({ crds: [canaryDefinition] });
  await cluster.makeNamespace('serin');
  const objects = [
    mappedService('shop', selector, greeterMapping('shop', 'shop.test')),
    shopRelease('v1', 3),
    shopRelease('v2', 1),
    // It is never ready while the tests run.
    shopRelease('v3', 1, { START_DELAY: '1h' }),
    canary('shop', { service: 'shop:50051', ...twoVersions }),
  ];
  await cluster.kubectl.apply(objects.join('\n---\n'));
  await cluster.kubectl.must(['apply', '-f', `${repository}/examples/hello-grpc-kubernetes`]);
  await cluster.readyPods('default', 'version=v2', 1);
  await cluster.readyPods('default', 'app=shop,version=v1', 3);
  // With one worker the share is exact to one call; each worker draws for itself.
  const [serin] = await startSerinPods(cluster, { namespace: 'serin', args: ['--workers=1'] });
  target = `${serin!.status!.podIP}:${serinPorts.calls}`;
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await serinLogs(cluster, 'serin'));
});

test('a weight of 5 holds 5 % while stable scales from 1 to 10 pods and back', async () => {
  const rate = 500;
  const scale = async (replicas: number) => {
    await cluster.kubectl.must(['scale', 'deployment/shop-v1', `--replicas=${replicas}`]);
    await cluster.readyPods('default', 'app=shop,version=v1', replicas);
    await wait(1000);
  };
  const load = startLoad({ target, rate, host: 'shop.test' });
  await scale(1);
  await scale(10);
  await scale(1);
  const { failures, firstFailures, calls, versions } = await load.stop();
  console.log(`scaled 3 → 1 → 10 → 1: ${versions.v2!.calls} of ${calls} calls`);
  expect({ failures, firstFailures }).toEqual({ failures: {}, firstFailures: null });
  expect(calls).toBeGreaterThan(2000);
  expect(Object.keys(versions.v1!.pods).length).toBeGreaterThan(9);
  expect(Math.abs(versions.v2!.calls - calls / 20)).toBeLessThanOrEqual(1);
  const next = await startLoad({ target, rate: 1000, seconds: 1, host: 'shop.test' }).result;
  expect(Math.abs(next.versions.v2!.calls - 50)).toBeLessThanOrEqual(1);
});

test('its status says weight, versions, what was observed, and for which generation', async () => {
  // The first word on it can be that of a handful of calls; the next one comes after 10 s.
  await until('the share is observed', 30_000, async () => {
    const observed = (await getCanary(cluster.api, 'shop')).status?.observedShare;
    return observed !== undefined && Math.abs(observed - 5) <= 0.4;
  });
  const { metadata, status } = await getCanary(cluster.api, 'shop');
  const [other] = await cluster.pods('default', 'app=shop,version=v3');
  expect(status).toMatchObject({
    target: 'Service shop.default',
    weight: 5,
    observedGeneration: metadata.generation,
    versions: {
      stable: { version: 'v1', pods: 1, ready: 1 },
      canary: { version: 'v2', pods: 1, ready: 1 },
    },
    others: [other!.metadata.name],
  });
  expect(Math.abs(status!.observedShare! - 5)).toBeLessThanOrEqual(0.5);
  const conditions = status!.conditions!.map(({ type, status: is, reason, observedGeneration }) => {
    return [type, is, reason, observedGeneration];
  });
  expect(conditions).toEqual([
    ['Accepted', 'True', 'Accepted', metadata.generation],
    ['Ready', 'True', 'Ready', metadata.generation],
  ]);
});

test('kubectl get canaries shows what counts', async () => {
  const [head, row] = (await cluster.kubectl.must(['get', 'canaries', 'shop'])).split('\n');
  expect(head!.split(/\s{2,}/).map((word) => word.trim())).toEqual([
    ...['NAME', 'TARGET', 'WEIGHT', 'OBSERVED', 'STATE', 'READY', 'REASON', 'AGE'],
  ]);
  expect(row).toMatch(/^shop +Service shop\.default +5 +(4\.[6-9]|5)\S* +True +Ready +\S+$/);
});

test('each reason why a Canary has no effect is its condition', async () => {
  const cases: readonly (readonly [reason: string, accepted: string, spec: object, message: RegExp])[] = [
    ['ServiceNotFound', 'False', { service: 'nowhere' }, /there is no Service nowhere\.default/],
    ['MappingNotFound', 'False', { mapping: 'nothing', weight: 5 }, /no Mapping nothing\.default is served/],
    ['NotRouted', 'True', { service: 'not-routed' }, /no route leads to the Service not-routed\.default/],
    ['NoCanaryPods', 'True', { service: 'no-canary', canary: 'v9' }, /no pod .* version=v9; its share goes/],
    ['NoStablePods', 'True', { service: 'no-stable', stable: 'v9' }, /no pod of the Service has version=v9/],
    ['CanaryNotReady', 'True', { service: 'starting', canary: 'v3' }, /no pod with version=v3 is ready/],
    ['StableNotReady', 'True', { service: 'down', stable: 'v3' }, /never moved to the canary/],
  ];
  const names = ['no-canary', 'no-stable', 'starting', 'down'];
  const services = names.map((name) => mappedService(name, selector, greeterMapping(name, `${name}.test`)));
  const [unrouted] = [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'not-routed' } }];
  const bare = JSON.stringify({ ...unrouted, spec: { selector, ports: [{ port: 50051 }] } });
  const canaries = cases.map(([reason, , spec]) =>
    canary(reason.toLowerCase(), 'mapping' in spec ? { ...spec } : { ...twoVersions, ...spec }),
  );
  await cluster.kubectl.apply([...services, bare, ...canaries].join('\n---\n'));
  for (const [reason, accepted, , message] of cases) {
    const name = reason.toLowerCase();
    await until(`${name} says ${reason}`, 10_000, async () => {
      return readyReason(await getCanary(cluster.api, name)) === reason;
    });
    const { conditions } = (await getCanary(cluster.api, name)).status!;
    expect(conditions).toMatchObject([
      { type: 'Accepted', status: accepted },
      { type: 'Ready', status: 'False', message: expect.stringMatching(message) },
    ]);
  }
  // What its share becomes is true as well.
  const ofStarting = await startLoad({ target, rate: 200, seconds: 0.5, host: 'starting.test' }).result;
  expect([ofStarting.failures, Object.keys(ofStarting.versions)]).toEqual([{}, ['v1']]);
  await cluster.api.patch(canaryPath('canarynotready'), { spec: { weight: 100 } });
  await until('it has all', 10_000, async () => {
    return (await getCanary(cluster.api, 'canarynotready')).status?.weight === 100;
  });
  const ofAll = await startLoad({ target, rate: 200, seconds: 0.5, host: 'starting.test' }).result;
  expect([ofAll.failures, Object.keys(ofAll.versions)]).toEqual([{}, ['v1']]);
  const ofDown = await startLoad({ target, rate: 200, seconds: 0.5, host: 'down.test' }).result;
  expect([ofDown.versions.v2!.calls, Object.values(ofDown.failures)]).toEqual([5, [95]]);
});

test('what was missing comes, and the condition follows', async () => {
  await cluster.kubectl.apply(mappedService('nowhere', selector, greeterMapping('nowhere', 'nowhere.test')));
  await until('it is Ready', 10_000, async () => {
    return readyReason(await getCanary(cluster.api, 'servicenotfound')) === 'Ready';
  });
});

test('of two Canaries on one Service the older wins, and the other says so', async () => {
  await cluster.kubectl.apply(canary('again', { service: 'shop', ...twoVersions, weight: 60 }));
  await until('the younger says Conflict', 10_000, async () => {
    return readyReason(await getCanary(cluster.api, 'again')) === 'Conflict';
  });
  const { conditions } = (await getCanary(cluster.api, 'again')).status!;
  expect(conditions).toMatchObject([
    { type: 'Accepted', status: 'False', message: expect.stringContaining('shop.default divides the same') },
    { type: 'Ready', status: 'False' },
  ]);
  expect(readyReason(await getCanary(cluster.api, 'shop'))).toBe('Ready');
  const { versions } = await startLoad({ target, rate: 1000, seconds: 0.4, host: 'shop.test' }).result;
  expect(Math.abs(versions.v2!.calls - 20)).toBeLessThanOrEqual(1);
  await cluster.api.delete(canaryPath('again'));
});

test('a spec that only Serin finds wrong is an Event of the Canary, and what was served stays', async () => {
  await cluster.api.patch(canaryPath('shop'), { spec: { weight: 7.00001 } });
  let found: EventObject | undefined;
  await until('an Event says so', 10_000, async () => {
    [found] = await eventsOf(cluster.api, 'Canary', 'shop');
    return found !== undefined;
  });
  expect(found).toMatchObject({ reason: 'InvalidValue', type: 'Warning' });
  expect(found!.message).toMatch(/7\.00001 has more than four decimals.*write 7\.0000/);
  const { versions } = await startLoad({ target, rate: 1000, seconds: 0.4, host: 'shop.test' }).result;
  expect(Math.abs(versions.v2!.calls - 20)).toBeLessThanOrEqual(1);
  await cluster.api.patch(canaryPath('shop'), { spec: { weight: 5 } });
});

test('a cookie keeps a client with its version, also when the weight is raised', async () => {
  const fields = ['prefix: /web/', 'host: web.test', 'service: web.default:80'];
  const spec = { service: 'web:80', ...twoVersions, weight: 50, sticky: { cookie: 'lane', maxAge: '1h' } };
  await cluster.kubectl.apply(`${mappedService('web', selector, fields)}\n---\n${canary('web', spec)}`);
  await until(
    'it is Ready',
    10_000,
    async () => readyReason(await getCanary(cluster.api, 'web')) === 'Ready',
  );
  const ask = async (cookie?: string) => {
    const { request } = await import('node:http');
    const headers = { host: 'web.test', ...(cookie !== undefined && { cookie }) };
    return new Promise<{ version: unknown; cookie: string }>((resolve, reject) => {
      const [host, port] = target.split(':');
      request({ host, port, path: '/web/', headers, agent: false }, (response) => {
        response.resume();
        const set = response.headers['set-cookie']?.[0] ?? '';
        resolve({ version: response.headers['x-version'], cookie: set });
      })
        .on('error', reject)
        .end();
    });
  };
  const clients = await Promise.all(Array.from({ length: 40 }, () => ask()));
  expect(new Set(clients.map(({ version }) => version))).toEqual(new Set(['v1', 'v2']));
  for (const { cookie } of clients) expect(cookie).toMatch(/^lane=[^;]+;.*Max-Age=3600/i);
  const again = async () => {
    const answers = await Promise.all(clients.map(({ cookie }) => ask(cookie.split(';')[0])));
    return answers.map(({ version }) => version);
  };
  expect(await again()).toEqual(clients.map(({ version }) => version));
  await cluster.api.patch(canaryPath('web'), { spec: { weight: 80 } });
  await until('the weight is served', 10_000, async () => {
    return (await getCanary(cluster.api, 'web')).status?.weight === 80;
  });
  const raised = await again();
  const moved = clients.filter(({ version }, i) => version !== raised[i]);
  expect(moved.every(({ version }) => version === 'v1')).toBe(true);
  expect(moved.length).toBeGreaterThan(0);
});

test('with mapping it takes over the weight of a canary of Mappings', async () => {
  await cluster.readyPods('default', 'app=grpc-server', 4);
  const counts = async () => {
    const { failures, versions } = await startLoad({ target, rate: 1000, seconds: 1 }).result;
    expect(failures).toEqual({});
    return versions['1.1']!.calls;
  };
  expect(await counts()).toBe(200);
  await cluster.kubectl.apply(canary('taken', { mapping: 'grpc-server-canary-mapping', weight: 7.5 }));
  await until('it is Ready', 10_000, async () => {
    return readyReason(await getCanary(cluster.api, 'taken')) === 'Ready';
  });
  expect(await counts()).toBe(75);
  await cluster.api.delete(canaryPath('taken'));
  await until('the written weight counts', 10_000, async () => (await counts()) === 200);
});

test('the API server refuses what can be seen to be wrong', async () => {
  const wrong: readonly (readonly [spec: object, message: RegExp])[] = [
    [{ service: 'a', stable: '1', canary: '2' }, /spec\.weight: Required value/],
    [{ ...twoVersions }, /write service .* or mapping/],
    [{ service: 'a', mapping: 'b', ...twoVersions }, /not both/],
    [{ service: 'a', weight: 5 }, /stable and canary are the values of the version label/],
    [{ service: 'a', stable: '1', canary: '1', weight: 5 }, /have to be different versions/],
    [{ mapping: 'a', weight: 5, stable: '1' }, /have no meaning beside mapping/],
    [{ service: 'a', ...twoVersions, weight: 101 }, /spec\.weight.*less than or equal to 100/],
    [{ service: 'a', ...twoVersions, weight: -1 }, /spec\.weight.*greater than or equal to 0/],
    [{ service: 'a', ...twoVersions, weight: '5' }, /spec\.weight.*must be of type number/],
    [{ service: 'A_B', ...twoVersions }, /spec\.service.*should match/],
    [{ service: 'a', ...twoVersions, onEmpty: 'canary' }, /spec\.onEmpty: Unsupported value/],
    [{ service: 'a', ...twoVersions, sticky: {} }, /write header or cookie/],
    [
      { service: 'a', ...twoVersions, sticky: { header: 'x', maxAge: '1h' } },
      /maxAge is the life of a cookie/,
    ],
    [{ service: 'a', ...twoVersions, sticky: { cookie: 'x', maxAge: '1 h' } }, /maxAge.*should match/],
  ];
  for (const [spec, message] of wrong) {
    const said = await cluster.api
      .post(`${objectPath('serin.dev/v1alpha1', 'canaries', 'default')}?dryRun=All`, {
        ...JSON.parse(canary('wrong', {})),
        spec,
      })
      .then(
        () => 'accepted',
        (error: ApiError) => `${error.status} ${error.message}`,
      );
    expect(said).toMatch(/422/);
    expect(said).toMatch(message);
  }
  const good = { ...JSON.parse(canary('good', { service: 'a', ...twoVersions })) };
  const path = `${objectPath('serin.dev/v1alpha1', 'canaries', 'default')}?dryRun=All`;
  const { spec } = await cluster.api.post<{ spec: { onEmpty: string } }>(path, good);
  expect(spec.onEmpty).toBe('stable');
});
