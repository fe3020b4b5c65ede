import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type RunningSerin, startSerin } from '../support/serin.ts';
import { mapping, mappingDefinition } from './support/ambassador.ts';
import { objectPath } from './support/api.ts';
import { canary, canaryDefinition, canaryPath, greeterMapping, mappedService } from './support/canaries.ts';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { startLoad } from './support/load.ts';
import { shopRelease } from './support/manifests.ts';
import { type PolicyRule, serinLogs, serinPorts, serinRules, startSerinPods } from './support/serin-pods.ts';

interface Problem {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly help: string;
}

const selector = { app: 'shop' };
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ crds: [canaryDefinition] });
  await cluster.makeNamespace('serin');
  await cluster.makeNamespace('other');
  const shop = mappedService('shop', selector, greeterMapping('shop', 'shop.test'));
  await cluster.kubectl.apply(
    [
      mappingDefinition,
      shop,
      shopRelease('v1'),
      shopRelease('v2'),
      canary('shop', { service: 'shop', stable: 'v1', canary: 'v2', weight: 20 }),
    ].join('\n---\n'),
  );
  await until('Mappings are known', 10_000, async () => {
    return (await cluster.kubectl.run(['get', 'mappings'])).code === 0;
  });
  await cluster.kubectl.apply(
    mapping('object', {
      host: 'object.test',
      prefix: '/helloworld.Greeter/',
      rewrite: '/helloworld.Greeter/',
      grpc: true,
      service: 'shop:50051',
    }),
  );
  await cluster.readyPods('default', 'app=shop', 2);
  await grant(serinRules, 'everything');
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await serinLogs(cluster, 'serin'));
});

/** Every permission: what is said where it is missing, and what the calls for the two hosts are then. */
interface PermissionCase {
  readonly without: readonly [group: string, resource: string];
  readonly says: RegExp;
  readonly help: RegExp;
  /** Versions that answer for `shop.test`, and for `object.test`; [] = 404 or 503. */
  readonly shop: readonly string[];
  readonly object: readonly string[];
  /** It is about what Serin writes: the others would write it meanwhile. */
  readonly writes?: true;
}

const cases: readonly PermissionCase[] = [
  {
    without: ['', 'services'],
    says: /services is forbidden: .* cannot list resource "services".*annotations are not read/,
    help: /apiGroups: \[""\], resources: \[services\], verbs: \[list, watch\]/,
    shop: [],
    // Slices name their Service, and its port is that of the pods.
    object: ['v1', 'v2'],
  },
  {
    without: ['discovery.k8s.io', 'endpointslices'],
    says: /endpointslices\.discovery\.k8s\.io is forbidden.*no endpoint of a Service is known/,
    help: /apiGroups: \["discovery\.k8s\.io"\], resources: \[endpointslices\]/,
    shop: [],
    object: [],
  },
  {
    without: ['', 'pods'],
    says: /pods is forbidden.*versions are told by Services only/,
    help: /apiGroups: \[""\], resources: \[pods\]/,
    // No pod is known to be the canary's, and all stand for stable.
    shop: ['v1', 'v2'],
    object: ['v1', 'v2'],
  },
  {
    without: ['getambassador.io', '*'],
    says: /mappings\.getambassador\.io is forbidden.*Mappings that are objects are not served/,
    help: /apiGroups: \["getambassador\.io"\], resources: \[mappings\]/,
    shop: ['v1', 'v2'],
    object: [],
  },
  {
    writes: true,
    without: ['', 'events'],
    says: /events is forbidden.* cannot create .*Events are not written/,
    help: /apiGroups: \[""\], resources: \[events\], verbs: \[create\]/,
    shop: ['v1', 'v2'],
    object: ['v1', 'v2'],
  },
  {
    writes: true,
    without: ['coordination.k8s.io', 'leases'],
    says: /leases\.coordination\.k8s\.io .*is forbidden.*Leases are not written/,
    help: /apiGroups: \["coordination\.k8s\.io"\], resources: \[leases\]/,
    shop: ['v1', 'v2'],
    object: ['v1', 'v2'],
  },
  {
    writes: true,
    without: ['serin.dev', 'canaries/status'],
    says: /canaries\.serin\.dev "shop" is forbidden.*cannot patch resource "canaries\/status".*statuses of Canaries are not written/,
    help: /apiGroups: \["serin\.dev"\], resources: \[canaries\/status\], verbs: \[get, patch\]/,
    shop: ['v1', 'v2'],
    object: ['v1', 'v2'],
  },
];

const title = 'without $without.1 that is said, and only that is lost; granted later it takes effect';
// Reading is asked for again after up to 15 s: all at once, each for an account of its own.
test.concurrent.each(cases.filter(({ writes }) => !writes))(title, (one) =>
  lose(one, `without-${cases.indexOf(one)}`),
);
test.each(cases.filter(({ writes }) => writes))(title, async (one) => {
  // Something to be told of in an Event, and in a status.
  const fields = [...greeterMapping('wrong', 'wrong.test'), `wieght: ${one.without[1].length}`];
  await cluster.kubectl.apply(mappedService('wrong', selector, fields));
  await cluster.api.patch(canaryPath('shop'), { spec: { weight: 20 + cases.indexOf(one) } });
  await lose(one, 'partly');
});

async function lose({ without: [group, resource], says, ...one }: PermissionCase, account: string) {
  await grant(withoutRule(group, resource), account);
  const serin = await startOutside([], account);
  try {
    await until('it is said', 15_000, async () =>
      (await problems(serin)).some(({ message }) => says.test(message)),
    );
    const said = (await problems(serin)).filter(({ message }) => says.test(message));
    expect(said).toMatchObject([{ code: 'kubernetes-forbidden', help: expect.stringMatching(one.help) }]);
    const logged = serin
      .log()
      .split('\n')
      .filter((line) => says.test(line.replaceAll('\\"', '"')));
    expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ code: 'kubernetes-forbidden' }]);
    expect(await answering(serin, 'shop.test')).toEqual(one.shop);
    expect(await answering(serin, 'object.test')).toEqual(one.object);
    await grant(serinRules, account);
    const began = performance.now();
    await until('all is served', 30_000, async () => {
      if ((await problems(serin)).length > 0) return false;
      const found = [await answering(serin, 'shop.test'), await answering(serin, 'object.test')];
      return JSON.stringify(found) === '[["v1","v2"],["v1","v2"]]';
    });
    console.log(
      `${resource}: in effect ${((performance.now() - began) / 1000).toFixed(1)} s after it was granted`,
    );
  } finally {
    await serin.stop();
  }
}

test.concurrent('without Secrets a certificate is missing, and which rule would give it is said', async () => {
  await grant(withoutRule('', 'secrets'), 'without-secrets');
  const context =
    'apiVersion: getambassador.io/v2\nkind: TLSContext\nname: tls\nhosts: [tls.test]\nsecret: certificate';
  const service = { ...JSON.parse(mappedService('tls', selector, greeterMapping('tls', 'tls.test'))) };
  service.metadata.annotations['getambassador.io/config'] += `\n---\n${context}`;
  await cluster.kubectl.apply(JSON.stringify(service));
  const serin = await startOutside([], 'without-secrets');
  try {
    const says = /secrets "?certificate"? is forbidden|secrets is forbidden/;
    await until('it is said', 10_000, async () =>
      (await problems(serin)).some(({ message }) => says.test(message)),
    );
    const [said] = (await problems(serin)).filter(({ message }) => says.test(message));
    expect(said).toMatchObject({
      code: 'kubernetes-forbidden',
      message: expect.stringMatching(/certificates in Secrets are not known/),
      help: expect.stringMatching(/apiGroups: \[""\], resources: \[secrets\]/),
    });
    expect(await answering(serin, 'shop.test')).toEqual(['v1', 'v2']);
    await grant(serinRules, 'without-secrets');
    await until('nothing is forbidden', 30_000, async () => {
      return (await problems(serin)).every(({ code }) => code !== 'kubernetes-forbidden');
    });
  } finally {
    await serin.stop();
    await cluster.api.delete(objectPath('v1', 'services', 'default', 'tls'));
  }
});

test('with --namespace a Role is enough, and other namespaces are not served', async () => {
  const rules = serinRules.map(({ apiGroups, resources, verbs }) => ({ apiGroups, resources, verbs }));
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'narrow' } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'narrow' }, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'narrow' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'narrow' },
      subjects: [{ kind: 'ServiceAccount', name: 'narrow' }],
    },
  ];
  await cluster.kubectl.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  await cluster.kubectl.apply(
    mappedService('there', selector, greeterMapping('shop', 'there.test')),
    'other',
  );
  const serin = await startOutside(['--namespace=default'], 'narrow');
  try {
    expect(await problems(serin)).toEqual([]);
    expect(await answering(serin, 'shop.test')).toEqual(['v1', 'v2']);
    expect(await answering(serin, 'there.test')).toEqual([]);
  } finally {
    await serin.stop();
  }
  const all = await startOutside();
  expect(await answering(all, 'there.test')).toEqual(['v1', 'v2']);
  await all.stop();
});

test('with --selector only objects with the label configure the gateway', async () => {
  const chosen = JSON.parse(mappedService('chosen', selector, greeterMapping('chosen', 'chosen.test')));
  chosen.metadata.labels = { team: 'a' };
  await cluster.kubectl.apply(JSON.stringify(chosen));
  const serin = await startOutside(['--selector=team=a']);
  try {
    expect(await answering(serin, 'chosen.test')).toEqual(['v1', 'v2']);
    expect(await answering(serin, 'shop.test')).toEqual([]);
    expect(await answering(serin, 'object.test')).toEqual([]);
    await cluster.kubectl.must(['label', 'service', 'shop', 'team=a']);
    await until('it is chosen as well', 5000, async () => (await answering(serin, 'shop.test')).length > 0);
    await cluster.kubectl.must(['label', 'service', 'chosen', 'team=b', '--overwrite']);
    await until(
      'it is chosen no more',
      5000,
      async () => (await answering(serin, 'chosen.test')).length === 0,
    );
  } finally {
    await serin.stop();
  }
});

test('loopback is no backend, neither as address nor by a name, unless --allow-backend permits it', async () => {
  const server = createServer((_request, response) => response.end('the admin port, or so'));
  await new Promise<void>((resolve) => server.listen(18_099, '127.0.0.1', resolve));
  const external = { type: 'ExternalName', externalName: 'localhost', ports: [{ port: 18_099 }] };
  await cluster.kubectl.apply(
    [
      mapping('address', { hostname: '*', prefix: '/address/', service: '127.0.0.1:18099' }),
      mapping('name', { hostname: '*', prefix: '/name/', service: 'external:18099' }),
      JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'external' }, spec: external }),
    ].join('\n---\n'),
  );
  const ask = async (serin: RunningSerin, path: string) => {
    const response = await fetch(`http://${serin.listen}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  const closed = await startOutside();
  try {
    for (const path of ['/address/', '/name/'])
      expect(await ask(closed, path)).toMatch(
        /^503 [\s\S]*127\.0\.0\.1 is refused as a backend.*--allow-backend/,
      );
  } finally {
    await closed.stop();
  }
  const open = await startOutside(['--allow-backend=127.0.0.0/8']);
  try {
    for (const path of ['/address/', '/name/'])
      expect(await ask(open, path)).toBe('200 the admin port, or so');
  } finally {
    await open.stop();
    server.close();
  }
});

test('tokens whose key was replaced: Serin goes on with the next ones, and no call fails', async () => {
  const [pod] = await startSerinPods(cluster, { namespace: 'serin', args: ['--workers=1'] });
  const target = `${pod!.status!.podIP}:${serinPorts.calls}`;
  const load = startLoad({ target, rate: 200, host: 'shop.test' });
  await cluster.control.replaceTokenKey();
  await cluster.kubelet!.refreshTokens();
  await cluster.api.patch(canaryPath('shop'), { spec: { weight: 100 } });
  await until('what is written afterwards is served', 20_000, async () => {
    const { versions } = await startLoad({ target, rate: 200, seconds: 0.1, host: 'shop.test' }).result;
    return versions.v1 === undefined;
  });
  expect((await load.stop()).failures).toEqual({});
});

/** Serin as a program of somebody outside of the cluster, with the permissions of a ServiceAccount. */
async function startOutside(args: readonly string[] = [], account = 'everything'): Promise<RunningSerin> {
  const KUBECONFIG = await cluster.accountKubeconfig('default', account);
  return startSerin(['--kubernetes', '--workers=1', ...args], { KUBECONFIG });
}

/** What is wrong with the source of the configuration. */
async function problems(serin: RunningSerin): Promise<Problem[]> {
  const report = (await (await fetch(`${serin.admin}/api/v1/errors`)).json()) as { issues: Problem[] };
  return report.issues.filter(({ code }) => code.startsWith('kubernetes'));
}

/** Versions that answer calls for a host, sorted; none where calls fail. */
async function answering({ listen }: RunningSerin, host: string): Promise<string[]> {
  const { versions } = await startLoad({ target: listen, rate: 500, seconds: 0.1, host }).result;
  return Object.keys(versions).sort();
}

/** Gives an account exactly these rules; makes it where it is missing. */
async function grant(rules: readonly PolicyRule[], account: string): Promise<void> {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const name = account;
  await cluster.kubectl.apply(
    [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
      { apiVersion, kind: 'ClusterRole', metadata: { name }, rules },
      {
        apiVersion,
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
      },
    ]
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
  );
}

/** The rules without one resource. */
function withoutRule(group: string, resource: string): PolicyRule[] {
  return serinRules
    .map((rule) => {
      const resources = rule.resources.filter((name) => !(rule.apiGroups[0] === group && name === resource));
      return { ...rule, resources };
    })
    .filter(({ resources }) => resources.length > 0);
}
