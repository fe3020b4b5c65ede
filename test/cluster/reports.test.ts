import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { mapping, mappingDefinition } from './support/ambassador.ts';
import { type KubeList, type KubeObject, objectPath } from './support/api.ts';
import type { AuditEvent } from './support/audit.ts';
import {
  canary,
  canaryDefinition,
  canaryPath,
  getCanary,
  greeterMapping,
  mappedService,
} from './support/canaries.ts';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { repository } from './support/environment.ts';
import { type EventObject, eventsOf } from './support/events.ts';
import { processesOf } from './support/processes.ts';
import { serinLogs, startSerinPods } from './support/serin-pods.ts';

const user = 'system:serviceaccount:serin:serin';
const example = `${repository}/examples/hello-grpc-kubernetes`;
const leases = objectPath('coordination.k8s.io/v1', 'leases', 'serin');
const selector = { app: 'shop' };
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ crds: [canaryDefinition] });
  await cluster.kubectl.apply(mappingDefinition);
  await cluster.makeNamespace('serin');
  await cluster.kubectl.apply(
    [
      mappedService('shop', selector, greeterMapping('shop', 'shop.test')),
      canary('shop', { service: 'shop', stable: 'v1', canary: 'v2', weight: 5 }),
    ].join('\n---\n'),
  );
  // Services and their Mappings are enough: nobody calls.
  await cluster.kubectl.must(['apply', '-f', example]);
  await startSerinPods(cluster, { namespace: 'serin', replicas: 2, args: ['--workers=1'] });
  await until('one leads, and both tell what they serve', 20_000, async () => {
    return (await leader()) !== '' && (await replicas()).length === 2;
  });
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await serinLogs(cluster, 'serin'));
});

test('an error in an annotation, or in a Mapping, is an Event of that object', async () => {
  const fields = [...greeterMapping('wrong', 'wrong.test'), 'wieght: 10'];
  await cluster.kubectl.apply(mappedService('wrong', selector, fields));
  await cluster.kubectl.apply(mapping('wrong', { prefix: '/wrong/', service: 'shop:50051', wieght: 10 }));
  for (const kind of ['Service', 'Mapping']) {
    await until(`an Event of the ${kind}`, 10_000, async () => {
      return (await eventsOf(cluster.api, kind, 'wrong')).length > 0;
    });
  }
  await wait(1500);
  for (const kind of ['Service', 'Mapping']) {
    const events = await eventsOf(cluster.api, kind, 'wrong');
    expect(events).toMatchObject([{ type: 'Warning', message: expect.stringMatching(/wieght.*weight/) }]);
    const plural =
      kind === 'Service' ? objectPath('v1', 'services', 'default', 'wrong') : mappingPath('wrong');
    expect(events[0]!.involvedObject.uid).toBe((await cluster.api.get<KubeObject>(plural)).metadata.uid);
  }
  expect(await cluster.kubectl.must(['describe', 'service', 'wrong'])).toMatch(/Warning .* serin .*wieght/);
});

test('a changed weight and a roll-back are Events, of the canary and of production', async () => {
  const path = objectPath('v1', 'services', 'default', 'grpc-server-canary');
  const service = await cluster.api.get<KubeObject>(path);
  const written = service.metadata.annotations!['getambassador.io/config']!;
  await cluster.api.patch(path, {
    metadata: { annotations: { 'getambassador.io/config': written.replace('weight: 20', 'weight: 30') } },
  });
  await isTold('Service', 'grpc-server-canary', 'WeightChanged', /gets 30 % of the calls .*before: 20 %/);
  await cluster.kubectl.must(['delete', 'service', 'grpc-server-canary']);
  await isTold(
    'Service',
    'grpc-server',
    'RolledBack',
    /the canary grpc-server-canary-mapping\S* is gone; its 30 %/,
  );
  await cluster.api.patch(canaryPath('shop'), { spec: { weight: 7 } });
  await isTold('Canary', 'shop', 'WeightChanged', /gets 7 % of the calls \(before: 5 %\)/);
});

test('nothing is told again after both replicas have been started anew', async () => {
  const before = await allEvents();
  await cluster.kubectl.must(['rollout', 'restart', 'deployment/serin', '-n', 'serin']);
  await cluster.kubectl.must(['rollout', 'status', 'deployment/serin', '--timeout=60s', '-n', 'serin']);
  await cluster.readyPods('serin', 'app=serin', 2);
  await until('one of the new leads', 20_000, async () => (await leadingPod()) !== undefined);
  await wait(3000);
  expect(await allEvents()).toEqual(before);
});

test('the Leases are those of the replicas that are there', async () => {
  const pods = await cluster.readyPods('serin', 'app=serin', 2);
  expect(await replicas()).toEqual(pods.map(({ metadata }) => metadata.name).sort());
});

test('nothing changes for 20 s: nothing but Leases is written', async () => {
  await wait(1000);
  const began = Date.now();
  await wait(20_000);
  const written = writes().filter(({ at }) => at >= began);
  const counts = new Map<string, number>();
  for (const { verb, resource, pod } of written) {
    const key = `${verb} ${resource} by ${pod}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  console.log(`writes in 20 s: ${[...counts].map(([key, count]) => `${count} × ${key}`).join(', ')}`);
  expect(new Set(written.map(({ resource }) => resource))).toEqual(new Set(['leases']));
  // Each its own every 4 s, and the leader another.
  expect(written.length).toBeLessThanOrEqual(18);
});

test('the leader ends: the other leads within 5 s, and writes alone', async () => {
  const before = (await leadingPod())!;
  const events = await allEvents();
  const endedAt = performance.now();
  await cluster.kubectl.must(['delete', 'pod', before, '--wait=false', '-n', 'serin']);
  await until('another leads', 6000, async () => ![before, ''].includes(await leader()));
  console.log(`the leader ended; another leads after ${((performance.now() - endedAt) / 1000).toFixed(1)} s`);
  await until('its Leases have gone', 5000, async () => !(await replicas()).includes(before));
  await cluster.readyPods('serin', 'app=serin', 2);
  await writesAlone(8);
  expect((await allEvents()).length).toBe(events.length + 1);
});

test('the leader stands still: the other leads within 20 s, and it writes no more when it goes on', async () => {
  const before = (await leadingPod())!;
  const events = await allEvents();
  const pids = await processesOf(cluster.kubelet!.pod('serin', before).pid()!);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  const stoppedAt = performance.now();
  await until('another leads', 25_000, async () => ![before, ''].includes(await leader()));
  const tookS = (performance.now() - stoppedAt) / 1000;
  console.log(`the leader stood still; another leads after ${tookS.toFixed(1)} s`);
  expect(tookS).toBeLessThan(20);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  await writesAlone(9);
  expect((await allEvents()).length).toBe(events.length + 1);
  expect(await leader()).not.toBe(before);
});

test('the leader is killed: it or the other leads within 20 s, and tells what comes', async () => {
  const before = (await leadingPod())!;
  const events = await allEvents();
  const pid = cluster.kubelet!.pod('serin', before).pid()!;
  process.kill(pid, 'SIGKILL');
  await until('it has been started again', 20_000, () => {
    const now = cluster.kubelet!.pod('serin', before).pid();
    return now !== null && now !== pid;
  });
  await writesAlone(10, 20_000);
  expect((await allEvents()).length).toBe(events.length + 1);
});

/** A changed weight is written by one pod, the leader's. */
async function writesAlone(weight: number, withinMs = 10_000): Promise<void> {
  const began = Date.now();
  await cluster.api.patch(canaryPath('shop'), { spec: { weight } });
  await until('the status follows', withinMs, async () => {
    return (await getCanary(cluster.api, 'shop')).status?.weight === weight;
  });
  await isTold('Canary', 'shop', 'WeightChanged', new RegExp(`gets ${weight} % of the calls`));
  await wait(1500);
  const written = writes().filter(({ at, resource }) => at >= began && resource !== 'leases');
  expect(written.map(({ verb, resource, subresource }) => `${verb} ${resource}/${subresource}`)).toEqual([
    'patch canaries/status',
    'create events/',
  ]);
  expect(new Set(written.map(({ pod }) => pod))).toEqual(new Set([await leader()]));
}

/** Waits for an Event, and that it is one. */
async function isTold(kind: string, name: string, reason: string, message: RegExp): Promise<void> {
  const found = async () => {
    const events = await eventsOf(cluster.api, kind, name);
    return events.filter((event) => event.reason === reason && message.test(event.message));
  };
  await until(`${reason} of ${kind} ${name}`, 10_000, async () => (await found()).length > 0);
  await wait(500);
  expect(await found()).toHaveLength(1);
}

/** Everything that Serin has told, in order of names. */
async function allEvents(): Promise<string[]> {
  const { items } = await cluster.api.get<KubeList<EventObject>>(
    `${objectPath('v1', 'events', 'default')}?fieldSelector=source%3Dserin`,
  );
  return items.map(({ metadata, reason, message }) => `${metadata.name} ${reason} ${message}`).sort();
}

/** What both replicas have written since the beginning; an Event that is there already is none. */
function writes(): AuditEvent[] {
  return cluster.control.audit().filter(({ user: by, verb, status }) => {
    return by === user && ['create', 'update', 'patch', 'delete'].includes(verb) && status < 300;
  });
}

/** Who leads; '' = nobody. */
async function leader(): Promise<string> {
  const lease = await cluster.api.find<{ spec: { holderIdentity?: string } }>(`${leases}/serin-leader`);
  return lease?.spec.holderIdentity ?? '';
}

/** Who leads, of the pods that are there. */
async function leadingPod(): Promise<string | undefined> {
  const name = await leader();
  const pods = await cluster.pods('serin', 'app=serin');
  return pods.find(({ metadata }) => metadata.name === name)?.metadata.name;
}

/** Replicas with a Lease, sorted. */
async function replicas(): Promise<string[]> {
  const { items } = await cluster.api.get<KubeList<KubeObject & { spec: { holderIdentity: string } }>>(
    `${leases}?labelSelector=serin.dev%2Freplica%3Dtrue`,
  );
  return items.map(({ spec }) => spec.holderIdentity).sort();
}

function mappingPath(name: string): string {
  return objectPath('getambassador.io/v2', 'mappings', 'default', name);
}
