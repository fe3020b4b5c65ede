import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { secretKind, watchedKinds } from '../../src/kubernetes/kinds.ts';

// What can be said of the installation without helm and a cluster; test/cluster/install.test.ts has the rest.

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8');
const { version } = JSON.parse(read('package.json'));

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
}

const manifests = parseAllDocuments(read('deploy/kubernetes/serin.yaml')).map(
  (one) => one.toJS() as Manifest,
);

test('the version stands once: chart, image and package have the same', () => {
  expect(parse(read('deploy/helm/serin/Chart.yaml'))).toMatchObject({ version, appVersion: version });
  expect(read('Dockerfile')).toContain(`ARG VERSION=${version}\n`);
});

test('the Canary of the chart and of the plain manifests is that of deploy/crds', () => {
  const source = read('deploy/crds/canaries.serin.dev.yaml');
  expect(read('deploy/helm/serin/crds/canaries.serin.dev.yaml')).toBe(source);
  expect(read('deploy/kubernetes/canaries.serin.dev.yaml')).toBe(source);
});

test('each kind that is followed has its rule, and no rule is for another kind', () => {
  const role = manifests.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'serin');
  const readable = (role?.rules ?? [])
    .filter(({ verbs }) => verbs.join() === 'list,watch')
    .flatMap(({ apiGroups, resources }) => resources.map((resource) => `${resource}.${apiGroups[0]}`));
  const followed = [...watchedKinds, secretKind].map(({ resource, group }) => `${resource}.${group}`);
  expect(readable.sort()).toEqual(followed.sort());
});

test('plain manifests are in one namespace, and say nothing of helm', () => {
  const clusterWide = /^Cluster/;
  for (const { kind, metadata } of manifests)
    if (!clusterWide.test(kind)) expect([kind, metadata.namespace]).toEqual([kind, 'serin']);
  expect(JSON.stringify(manifests)).not.toMatch(/helm/i);
});

test('what the Dockerfile copies goes to the builder, and nothing else', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files]) =>
    files!.split(' '),
  );
  const sent = [...read('.dockerignore').matchAll(/^!(.*)$/gm)].map(([, file]) => file!);
  expect(sent.sort()).toEqual(copied.sort());
});
