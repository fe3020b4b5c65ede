import { describe, expect, it } from 'vitest';
import { WorkerMetrics } from '../metrics/worker-metrics.ts';
import type { Backend } from '../model/backend.ts';
import type { Route } from '../model/route.ts';
import type { SplitMember } from '../model/split.ts';
import { Rest } from './rest.ts';
import { type BackendRuntime, RouteRuntime } from './route-runtime.ts';
import { type EndpointPool, Services } from './service-runtime.ts';
import { type Drawn, DrawTable } from './split-runtime.ts';

const pool: EndpointPool = {
  address: '127.0.0.1',
  port: 1,
  rest: new Rest(),
  isResting: () => false,
  connect: () => {},
};

function backend(service: string, onEmpty: Backend['onEmpty'] = 'divert'): Backend {
  const none = { remove: [], add: [] };
  return {
    name: service,
    service,
    protocol: 'h2',
    tls: null,
    rewrite: { kind: 'keep' },
    hostRewrite: null,
    requestHeaders: none,
    responseHeaders: none,
    timeoutMs: null,
    upgrades: [],
    grpcWeb: false,
    onEmpty,
  };
}

const canary = (share: number, onEmpty?: Backend['onEmpty']): SplitMember => ({
  kind: 'backend',
  share,
  role: 'canary',
  backend: backend('canary', onEmpty),
});
const stable = (share: number, service = 'stable'): SplitMember => ({
  kind: 'backend',
  share,
  role: 'stable',
  backend: backend(service),
});

function route(members: readonly SplitMember[]): Route {
  const denominator = members.reduce((sum, member) => sum + member.share, 0);
  const split = { key: 'it', denominator, members, sticky: null, forced: [] };
  return {
    id: 'it',
    name: 'it',
    rank: [],
    virtualHosts: null,
    action: { kind: 'split', split },
    blocked: null,
  } as unknown as Route;
}

function make(members: readonly SplitMember[], ready: readonly string[], draws = new DrawTable()) {
  const services = new Services(() => pool);
  const set = (service: string, count: number) =>
    services.set({
      service,
      state: 'known',
      endpoints: Array.from({ length: count }, () => ({ address: '127.0.0.1', port: 1, version: service })),
      version: service,
      everReady: count > 0,
      problem: null,
    });
  for (const member of members) {
    if (member.kind === 'backend')
      set(member.backend.service, ready.includes(member.backend.service) ? 1 : 0);
  }
  const metrics = new WorkerMetrics();
  const runtime = new RouteRuntime(route(members), draws, services, metrics);
  const counts = (calls: number): Record<string, number> => {
    const drawn: Drawn<BackendRuntime> = { backend: null, member: -1, diverted: false };
    const all: Record<string, number> = {};
    for (let n = 0; n < calls; n++) {
      runtime.draw((most) => Math.floor(Math.random() * most), drawn);
      const name = `${drawn.backend?.backend.service ?? `member ${drawn.member}`}${drawn.diverted ? ' diverted' : ''}`;
      all[name] = (all[name] ?? 0) + 1;
    }
    return all;
  };
  return { runtime, counts, set, services };
}

describe('RouteRuntime.draw', () => {
  it('gives each member its share exactly', () => {
    const { counts } = make([canary(20), stable(80)], ['canary', 'stable']);
    expect(counts(1000)).toEqual({ canary: 200, stable: 800 });
  });

  it('passes the share of a canary without endpoints to stable, counted once it had one', () => {
    const { counts, set } = make([canary(20), stable(80)], ['stable']);
    expect(counts(100)).toEqual({ stable: 100 });
    set('canary', 1);
    expect(counts(100)).toEqual({ canary: 20, stable: 80 });
    set('canary', 0);
    expect(counts(100)).toEqual({ stable: 80, 'stable diverted': 20 });
  });

  it('does not with onEmpty: fail', () => {
    const { counts } = make([canary(20, 'fail'), stable(80)], ['stable']);
    expect(counts(100)).toEqual({ canary: 20, stable: 80 });
  });

  it('never passes the share of stable to the canary', () => {
    const { counts } = make([canary(20), stable(80)], ['canary']);
    expect(counts(100)).toEqual({ canary: 20, stable: 80 });
  });

  it('divides a diverted share among several stable ones by their shares', () => {
    const { counts } = make([canary(40), stable(40, 'one'), stable(20, 'two')], ['one', 'two']);
    const all = counts(300);
    expect(Math.abs(all.one! - 200)).toBeLessThanOrEqual(2);
    expect(all.one! + all.two!).toBe(300);
  });

  it('leaves a canary alone where there is no stable to take its share', () => {
    expect(make([canary(100)], []).counts(10)).toEqual({ canary: 10 });
  });

  it('names members that are no backend', () => {
    const { counts } = make([canary(30), { kind: 'next', share: 70 }], ['canary']);
    expect(counts(100)).toEqual({ canary: 30, 'member 1': 70 });
  });
});

describe('DrawTable', () => {
  it('keeps the draw for as long as the shares stay', () => {
    const draws = new DrawTable();
    const first = draws.get('a', [1, 4], 5);
    expect(draws.get('a', [1, 4], 5)).toBe(first);
    expect(draws.get('b', [1, 4], 5)).not.toBe(first);
    expect(draws.get('a', [2, 3], 5)).not.toBe(first);
    draws.delete('b');
    const again = draws.get('a', [1, 4], 5);
    expect(again).not.toBe(first);
    draws.delete('a');
    expect(draws.get('a', [1, 4], 5)).not.toBe(again);
  });

  it('a new runtime of a route goes on where the old one was', () => {
    const draws = new DrawTable();
    let canaries = 0;
    // 100 calls, a new route every 3: with a fresh draw each time 20 % could not be exact.
    for (let n = 0; n < 34; n++) {
      const all = make([canary(20), stable(80)], ['canary', 'stable'], draws).counts(n === 33 ? 1 : 3);
      canaries += all.canary ?? 0;
    }
    expect(canaries).toBe(20);
  });
});

describe('BackendRuntime', () => {
  it('counts per version, and knows whether heads have to be edited', () => {
    const { runtime } = make([stable(1)], ['stable']);
    const drawn: Drawn<BackendRuntime> = { backend: null, member: -1, diverted: false };
    runtime.draw(() => 0, drawn);
    const series = drawn.backend!.series('v1');
    expect(drawn.backend!.series('v1')).toBe(series);
    expect(drawn.backend!.series('v2')).not.toBe(series);
    expect(drawn.backend!.series('v1')).toBe(series);
    expect([drawn.backend!.editsRequest, drawn.backend!.editsResponse]).toEqual([false, false]);
  });
});
