import { describe, expect, test } from 'vitest';
import type { Backend } from '../model/backend.ts';
import type { ServiceEndpoints } from '../model/endpoints.ts';
import { defaultHttpSettings } from '../model/http-settings.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { splitWeights } from './weights.ts';

const backend = (name: string, onEmpty: Backend['onEmpty'] = 'divert'): Backend => ({
  name,
  service: `${name}:80`,
  protocol: 'h2',
  tls: null,
  rewrite: { kind: 'keep' },
  hostRewrite: null,
  requestHeaders: { remove: [], add: [] },
  responseHeaders: { remove: [], add: [] },
  upgrades: [],
  grpcWeb: false,
  timeoutMs: null,
  onEmpty,
});

const snapshot = (onEmpty: Backend['onEmpty'], canary = 20): Snapshot => ({
  revision: 1,
  listeners: [],
  virtualHosts: [],
  tcpRoutes: [],
  tlsContexts: [],
  http: defaultHttpSettings,
  routes: new Map([
    [
      'r',
      {
        id: 'r',
        name: 'route.default',
        rank: [],
        match: {
          path: { kind: 'prefix', value: '/', ignoreCase: false },
          host: { kind: 'any' },
          method: null,
          headers: [],
          query: [],
        },
        virtualHosts: null,
        blocked: null,
        action: {
          kind: 'split',
          split: {
            key: 'r',
            denominator: 100,
            sticky: null,
            forced: [],
            members: [
              { kind: 'backend', share: canary, role: 'canary', backend: backend('canary', onEmpty) },
              { kind: 'backend', share: 100 - canary, role: 'stable', backend: backend('stable') },
            ],
          },
        },
      },
    ],
  ]),
});

function service(name: string, versions: string[]): [string, ServiceEndpoints] {
  const endpoints = versions.map((version, i) => ({ address: '10.0.0.1', port: i, version }));
  return [
    `${name}:80`,
    { service: `${name}:80`, state: 'known', endpoints, version: name, everReady: true, problem: null },
  ];
}

const shares = (s: Snapshot, services: [string, ServiceEndpoints][]) =>
  splitWeights(s, new Map(services)).map((w) => [w.service, w.version, Number(w.share.toFixed(6))]);

describe('effective shares', () => {
  test('as written when every backend has endpoints', () => {
    expect(shares(snapshot('divert'), [service('canary', ['c']), service('stable', ['s'])])).toEqual([
      ['canary:80', 'c', 0.2],
      ['stable:80', 's', 0.8],
    ]);
  });

  test('inside a service each version has the part of its endpoints', () => {
    expect(
      shares(snapshot('divert'), [service('canary', ['c']), service('stable', ['1', '1', '1', '2'])]),
    ).toEqual([
      ['canary:80', 'c', 0.2],
      ['stable:80', '1', 0.6],
      ['stable:80', '2', 0.2],
    ]);
  });

  test('a canary without an endpoint passes its share to stable, unless it may not', () => {
    const services = [service('canary', []), service('stable', ['s'])];
    expect(shares(snapshot('divert'), services)).toEqual([
      ['canary:80', 'canary', 0],
      ['stable:80', 's', 1],
    ]);
    expect(shares(snapshot('fail'), services)[0]).toEqual(['canary:80', 'canary', 0.2]);
  });

  test('a canary that has all and no endpoint passes all of it on, as the data plane does', () => {
    expect(shares(snapshot('divert', 100), [service('canary', []), service('stable', ['s'])])).toEqual([
      ['canary:80', 'canary', 0],
      ['stable:80', 's', 1],
    ]);
  });

  test('stable without an endpoint never moves its share to the canary', () => {
    expect(shares(snapshot('divert'), [service('canary', ['c']), service('stable', [])])).toEqual([
      ['canary:80', 'c', 0.2],
      ['stable:80', 'stable', 0.8],
    ]);
  });
});
