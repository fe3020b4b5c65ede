import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type KubeObject, objectPath } from './support/api.ts';
import { type Cluster, startCluster, until } from './support/cluster.ts';
import { built, repository, workFolder } from './support/environment.ts';
import { startLoad } from './support/load.ts';
import { shopRelease, shopService } from './support/manifests.ts';
import { asksOf, rulesOf } from './support/permissions.ts';
import { runProgram } from './support/program.ts';

const chart = `${repository}/deploy/helm/serin`;
const namespace = 'gateway';
const selector = 'app.kubernetes.io/name=serin';
const account = `system:serviceaccount:${namespace}:serin`;
/** No load balancer gives an address here, and a short drain is a drain, too. */
const values = [
  'service.type=ClusterIP',
  'drain.delaySeconds=3',
  'workers=1',
  'mappingStatus=true',
  'ambassadorCrds.install=true',
].flatMap((value) => ['--set', value]);

let cluster: Cluster;
/** Everything that the cluster had before. */
let before: ReadonlySet<string>;

/** Autoscaler of one of the Deployments, which nobody obeys here. */
const autoscaler = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'shop-v1' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop-v1' }, maxReplicas: 9 },
};
const canary = {
  apiVersion: 'serin.dev/v1alpha1',
  kind: 'Canary',
  metadata: { name: 'shop' },
  spec: { service: 'shop', stable: 'v1', canary: 'v2', weight: 5 },
};

beforeAll(async () => {
  // kubectl looks for its plugins there.
  const programs = `${workFolder()}/bin`;
  mkdirSync(programs, { recursive: true });
  symlinkSync(`${repository}/dist/cli/main.js`, `${programs}/kubectl-serin`);
  process.env.PATH = `${programs}:${process.env.PATH}`;
  cluster = await startCluster();
  for (const name of [namespace, 'watched']) await cluster.makeNamespace(name);
  await cluster.kubectl.apply(
    [shopService, shopRelease('v1'), shopRelease('v2'), JSON.stringify(autoscaler)].join('\n---\n'),
  );
  await cluster.readyPods('default', 'app=shop', 2);
  // Somebody else's, and not to be touched.
  await cluster.kubectl.apply(JSON.stringify(foreignCrd('mappings')));
  before = await everything();
});
afterAll(() => cluster?.stop());
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(await logs());
});

test('the chart has no lint, and its own Canary is the one of deploy/crds', async () => {
  const { code, out } = await cluster.kubectl.helm(['lint', '--strict', chart]);
  expect(out).toContain('0 chart(s) failed');
  expect(code).toBe(0);
  const source = readFileSync(`${repository}/deploy/crds/canaries.serin.dev.yaml`, 'utf8');
  expect(readFileSync(`${chart}/crds/canaries.serin.dev.yaml`, 'utf8')).toBe(source);
});

test('deploy/kubernetes is what the chart says', async () => {
  const script = `${repository}/scripts/render-manifests.mjs`;
  const checked = await runProgram([process.execPath, script, '--check'], '', {
    ...process.env,
    HELM: built.helm,
  });
  expect(checked).toMatchObject({ code: 0, err: '' });
});

test.each([
  ['default values', []],
  [
    'everything on',
    [
      'ambassadorCrds.install=true',
      'autoscaling.enabled=true',
      'networkPolicy.enabled=true',
      'admin.tokenSecret.name=token',
      'accessLog=true',
      'listen={0.0.0.0:8080,0.0.0.0:8443}',
      'service.externalTrafficPolicy=Local',
      'image.digest=sha256:0123456789012345678901234567890123456789012345678901234567890123',
    ],
  ],
  ['one namespace', ['watch.namespace=watched', 'rbac.secrets.access=named', 'rbac.secrets.names={tls}']],
  ['little', ['rbac.create=false', 'serviceAccount.create=false', 'state.enabled=false']],
])('the API server accepts it: %s', async (_name, set) => {
  const args = set.flatMap((value) => ['--set', value]);
  const rendered = await cluster.kubectl.helm([
    ...['template', 'other', chart, '-n', namespace, '--kube-version', '1.35.0'],
    ...args,
  ]);
  expect(rendered).toMatchObject({ code: 0 });
  const apply = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];
  await cluster.kubectl.must(apply, rendered.out);
});

test.each([
  'replica=3',
  'service.type=External',
  'service.ports[0].targetPort=80',
  'rbac.secrets.access=named',
])('a value that is none is refused: %s', async (value) => {
  const { code, err } = await cluster.kubectl.helm([
    ...['template', 'other', chart, '--kube-version', '1.35.0', '--set', value],
  ]);
  expect(code).toBe(1);
  expect(err).toMatch(/values don't meet the specifications of the schema/);
});

test('helm install: the pods get ready, and a Canary on the cluster holds its share', async () => {
  await helm('install', 'serin', chart, '--wait', '--timeout=90s', ...values);
  await cluster.readyPods(namespace, selector, 2);
  await cluster.kubectl.apply(JSON.stringify(canary));
  await cluster.kubectl.must(['wait', '--for=condition=Ready', 'canary/shop', '--timeout=20s']);
  const { failures, versions } = await startLoad({ target: await target(), rate: 500, seconds: 2 }).result;
  expect(failures).toEqual({});
  // Each of two pods draws for itself.
  expect(Math.abs((versions.v2?.calls ?? 0) - 50)).toBeLessThanOrEqual(2);
});

test('getambassador.io: what was there is left as it was, the others come and are kept', async () => {
  const crd = (plural: string) => cluster.kubectl.json<KubeObject>(['crd', `${plural}.getambassador.io`]);
  expect((await crd('mappings')).metadata.labels).toEqual({ owner: 'somebody' });
  for (const plural of ['tcpmappings', 'hosts', 'listeners', 'tlscontexts', 'modules'])
    expect((await crd(plural)).metadata.annotations).toMatchObject({ 'helm.sh/resource-policy': 'keep' });
});

test('kubectl serin set-weight changes it, and says who serves it', async () => {
  const said = await cluster.kubectl.must(['serin', 'set-weight', 'shop', '50%']);
  expect(said).toMatch(/^shop\.default: 50 % \(before: 5 %\), set; served by all 2 replicas/);
  expect(await cluster.kubectl.must(['serin', 'resume', 'shop'])).toMatch(/: 5 % \(before: 50 %\)/);
  expect(await cluster.kubectl.must(['serin', '--help'])).toMatch(/^Usage: kubectl serin /);
});

test('kubectl serin plan reads the Service, its two Deployments and their autoscalers', async () => {
  const args = ['serin', 'plan', 'shop', '--weight', '20%', '-o', 'json'];
  const plan = JSON.parse(await cluster.kubectl.must(args));
  expect(plan).toMatchObject({
    service: 'shop.default',
    deployments: { stable: 'shop-v1', canary: 'shop-v2' },
    today: { stable: 1, canary: 1, share: 50, autoscaled: { from: 10, to: 50 } },
    canary: { metadata: { namespace: 'default' }, spec: { service: 'shop', stable: 'v1', canary: 'v2' } },
  });
  expect(plan.plans.at(-1)).toMatchObject({ stable: 4, canary: 1, extraPods: 3, error: 0 });
  const one = await cluster.kubectl.run(['serin', 'plan', 'broken', '--weight', '20%']);
  expect(one.err).toMatch(/^serin: there is no Service broken in the namespace default/);
});

test('helm upgrade: a rolling update without a lost call', async () => {
  const load = startLoad({ target: await target(), rate: 300, connections: 8 });
  await helm('upgrade', 'serin', chart, '--wait', '--timeout=90s', ...values, '--set', 'podLabels.turn=two');
  await cluster.readyPods(namespace, `${selector},turn=two`, 2);
  await until('the old pods have gone', 60_000, async () => {
    return (await cluster.pods(namespace, selector)).length === 2;
  });
  expect((await load.stop()).failures).toEqual({});
});

test('each rule of its roles is needed, and none is missing', async () => {
  const { kubectl } = cluster;
  const rules = [
    ...(await kubectl.json<Parameters<typeof rulesOf>[0]>(['clusterrole', 'serin-gateway'])).rules,
    ...(await kubectl.json<Parameters<typeof rulesOf>[0]>(['role', 'serin-leases', '-n', namespace])).rules,
  ];
  const granted = rulesOf({ rules });
  const custom = rules.find(({ apiGroups }) => apiGroups.includes('getambassador.io'))!.resources;
  const found = (await kubectl.must(['get', 'crd', '-o', 'name'])).replaceAll(/.*\//g, '').split('\n');
  for (const plural of custom)
    if (!found.includes(`${plural}.getambassador.io`))
      await kubectl.apply(JSON.stringify(foreignCrd(plural)));
  await kubectl.apply([host, mapping, brokenService].map((one) => JSON.stringify(one)).join('\n---\n'));
  const asked = () => asksOf(cluster.control.audit(), account);
  await until('everything that is granted has been asked for', 30_000, () => {
    const seen = asked().all;
    return granted.every((one) => seen.includes(one));
  }).catch(() => expect(asked().all).toEqual(granted));
  expect(asked().all).toEqual(granted);
  expect(asked().refused).toEqual([]);
  expect(await logs()).not.toContain('kubernetes-forbidden');
});

test('helm uninstall leaves nothing behind but the CRDs', async () => {
  await cluster.kubectl.remove(
    [host, mapping, brokenService, canary].map((one) => JSON.stringify(one)).join('\n---\n'),
  );
  await helm('uninstall', 'serin', '--wait', '--timeout=60s');
  let left: string[] = [];
  // Each version of a CRD is an APIService, by the API server's own doing.
  await until('nothing but the CRDs is left', 60_000, async () => {
    left = [...(await everything())].filter((name) => !before.has(name));
    return left.every((name) => /^(customresourcedefinition|apiservice)\./.test(name));
  }).catch(() => expect(left).toEqual([]));
  expect(left.filter((name) => name.includes('canaries.serin.dev'))).toHaveLength(1);
  expect(left.filter((name) => name.includes('hosts.getambassador.io'))).toHaveLength(1);
});

test('one namespace and named Secrets: Roles are enough, and nothing else is asked for', async () => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'shop-certificate' },
    stringData: { 'tls.crt': 'none', 'tls.key': 'none' },
  };
  const objects = [secret, host, brokenService].map((one) => JSON.stringify(one)).join('\n---\n');
  await cluster.kubectl.apply(objects, 'watched');
  const set = [
    'watch.namespace=watched',
    'rbac.secrets.access=named',
    'rbac.secrets.names={shop-certificate}',
  ];
  const narrow = [...values, ...set.flatMap((value) => ['--set', value])];
  await helm('install', 'narrow', chart, '--wait', '--timeout=90s', ...narrow);
  const asked = () => asksOf(cluster.control.audit(), `system:serviceaccount:${namespace}:narrow-serin`);
  await until('it has followed the Secret and told of the mistake', 20_000, () => {
    return ['watch secrets', 'create events'].every((one) => asked().all.includes(one));
  });
  expect(asked().refused).toEqual([]);
  expect(await logs()).not.toContain('kubernetes-forbidden');
  await helm('uninstall', 'narrow', '--wait', '--timeout=60s');
});

test('kubectl apply -f deploy/kubernetes does the same', async () => {
  const folder = `${repository}/deploy/kubernetes`;
  await cluster.kubectl.must(['apply', '-f', folder]);
  const pods = await cluster.readyPods('serin', selector, 2);
  expect(pods[0]!.metadata.labels).not.toHaveProperty('app.kubernetes.io/managed-by');
  await until('one of them leads', 20_000, async () => {
    const lease = await cluster.api.get<{ spec?: { holderIdentity?: string } }>(
      objectPath('coordination.k8s.io/v1', 'leases', 'serin', 'serin-leader'),
    );
    return pods.some(({ metadata }) => metadata.name === lease.spec?.holderIdentity);
  });
  expect(await logs('serin')).not.toContain('kubernetes-forbidden');
  await cluster.kubectl.must(['delete', '--wait=false', '-f', `${folder}/serin.yaml`]);
});

/** A Host with a Secret that is not there: it is asked for all the same. */
const host = {
  apiVersion: 'getambassador.io/v3alpha1',
  kind: 'Host',
  metadata: { name: 'shop' },
  spec: { hostname: 'shop.example.com', tlsSecret: { name: 'shop-certificate' } },
};

/** A Mapping as an object has a status. */
const mapping = {
  apiVersion: 'getambassador.io/v3alpha1',
  kind: 'Mapping',
  metadata: { name: 'other' },
  spec: { hostname: '*', prefix: '/other/', service: 'shop:50051' },
};

/** A Service with a mistake, of which an Event tells. */
const brokenService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'broken',
    annotations: {
      'getambassador.io/config': 'apiVersion: getambassador.io/v2\nkind: Mapping\nname: broken\n',
    },
  },
  spec: { ports: [{ port: 80 }] },
};

function foreignCrd(plural: string): unknown {
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: anything, status: anything },
    },
  };
  const kind = plural.charAt(0).toUpperCase() + plural.slice(1, -1);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.getambassador.io`, labels: { owner: 'somebody' } },
    spec: {
      group: 'getambassador.io',
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: [{ name: 'v3alpha1', served: true, storage: true, subresources: { status: {} }, schema }],
    },
  };
}

async function helm(...args: string[]): Promise<void> {
  const { code, out, err } = await cluster.kubectl.helm([...args, '-n', namespace]);
  if (code !== 0) throw new Error(`helm ${args.join(' ')}: ${err || out}`);
}

/** The cluster IP of the Service. */
async function target(): Promise<string> {
  const { spec } = await cluster.api.get<{ spec: { clusterIP: string } }>(
    objectPath('v1', 'services', namespace, 'serin'),
  );
  return `${spec.clusterIP}:80`;
}

/** What the pods of the chart have written, those that are there. */
async function logs(where = namespace): Promise<string> {
  const pods = await cluster.pods(where, selector);
  return pods.map(({ metadata }) => cluster.kubelet?.pod(where, metadata.name).log() ?? '').join('\n');
}

/** Names of all objects of all kinds, but for what comes and goes by itself. */
async function everything(): Promise<ReadonlySet<string>> {
  const kinds = await cluster.kubectl.must(['api-resources', '--verbs=list', '-o', 'name']);
  const lasting = kinds
    .trim()
    .split('\n')
    .filter((kind) => !/^(events|componentstatuses)\b/.test(kind));
  const args = ['get', lasting.join(','), '-A', '--ignore-not-found', '--no-headers'];
  const format = ['-o', 'custom-columns=A:.apiVersion,K:.kind,N:.metadata.namespace,M:.metadata.name'];
  const lines = (await cluster.kubectl.must([...args, ...format])).trim().split('\n');
  return new Set(
    lines.map((line) => {
      const [group, kind, space, name] = line.split(/\s+/);
      return `${kind!.toLowerCase()}.${group} ${space} ${name}`;
    }),
  );
}
