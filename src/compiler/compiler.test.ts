import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RouteIndex, RouteMatchResult } from '../routing/index.ts';
import { Compiler, type CompilerOptions } from './compiler.ts';
import { testOptions } from './test-support.ts';

const options: CompilerOptions = {
  ...testOptions,
  resolve: [{ service: 'grpc-server:50051', endpoints: [{ address: '127.0.0.1', port: 9001 }] }],
};
const hello = readFileSync(new URL('../../test/cases/hello-grpc.yaml', import.meta.url), 'utf8');

test('the two Services of hello-grpc are one route of 80 and 20', () => {
  const compilation = new Compiler(options).update([{ path: 'hello-grpc.yaml', text: hello }]);
  expect(compilation.issues).toEqual([]);
  const [route] = [...compilation.snapshot.routes.values()];
  expect(route).toMatchObject({ name: 'grpc-server-mapping.default', virtualHosts: null, blocked: null });
  expect(route?.action).toMatchObject({
    kind: 'split',
    split: {
      denominator: 5,
      members: [
        {
          kind: 'backend',
          share: 1,
          role: 'canary',
          backend: { name: 'grpc-server-canary-mapping.default', protocol: 'h2' },
        },
        {
          kind: 'backend',
          share: 4,
          role: 'stable',
          backend: { rewrite: { kind: 'keep' }, timeoutMs: null },
        },
      ],
    },
  });
  expect(compilation.services.get('grpc-server.default.svc.cluster.local:50051')).toMatchObject({
    state: 'known',
    version: 'v1',
    endpoints: [{ address: '127.0.0.1', port: 9001, version: 'v1' }],
  });
  expect(compilation.services.get('grpc-server-canary.default.svc.cluster.local:50051')).toMatchObject({
    state: 'pending',
    version: 'v1-1',
  });
  expect(compilation.snapshot.listeners).toMatchObject([{ address: '127.0.0.1', port: 8080 }]);
});

test('the route is found by the index, and deleting the canary gives all to stable', () => {
  const compiler = new Compiler(options);
  const { snapshot } = compiler.update([{ path: 'a.yaml', text: hello }]);
  const index = new RouteIndex();
  index.setVirtualHosts(snapshot.virtualHosts);
  for (const route of snapshot.routes.values()) index.set(route);
  const out = new RouteMatchResult();
  const request = {
    host: 'x:8080',
    path: '/helloworld.Greeter/SayHello',
    query: '',
    method: 'POST',
    header: () => undefined,
  };
  index.match(request, null, null, out);
  expect(out.route?.name).toBe('grpc-server-mapping.default');
  expect(out.varies).toBe(false);
  const without = hello.split(
    '---\napiVersion: v1\nkind: Service\nmetadata:\n  name: grpc-server-canary',
  )[0]!;
  const next = compiler.update([{ path: 'a.yaml', text: without }]);
  expect(next.patch).toMatchObject({
    from: 1,
    revision: 2,
    listeners: null,
    virtualHosts: null,
    deleteRoutes: [],
  });
  expect(next.patch.setRoutes[0]?.action).toMatchObject({
    split: { denominator: 1, members: [{ share: 1, role: 'stable' }] },
  });
  expect(next.endpointsPatch.delete).toEqual(['grpc-server-canary.default.svc.cluster.local:50051']);
});

test('issues are those of their own compile, also when they are read after the next', () => {
  const compiler = new Compiler(testOptions);
  const bad = { path: 'a.yaml', text: 'apiVersion: getambassador.io/v2\nkind: Mapping\nspec: {prefix: /}\n' };
  const first = compiler.update([bad]);
  const second = compiler.update([{ path: 'a.yaml', text: null }]);
  expect(second.issues).toEqual([]);
  expect(first.issues.map(({ code }) => code)).toContain('missing-name');
});
