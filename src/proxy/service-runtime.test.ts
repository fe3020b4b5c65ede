import { describe, expect, it } from 'vitest';
import type { ServiceEndpoints } from '../model/endpoints.ts';
import type { Exchange } from './exchange.ts';
import { Rest } from './rest.ts';
import { type EndpointPool, Services } from './service-runtime.ts';

/** A pool without connections; `rests` can be switched. */
class FakePool implements EndpointPool {
  readonly address: string;
  readonly port: number;
  readonly rest = new Rest();
  rests = false;
  constructor(address: string, port: number) {
    this.address = address;
    this.port = port;
  }
  isResting(): boolean {
    return this.rests;
  }
  connect(): void {}
}

function make(count: number, state: ServiceEndpoints['state'] = 'known') {
  const pools: FakePool[] = [];
  const services = new Services(({ address, port }) => {
    const known = pools.find((one) => one.port === port);
    if (known !== undefined) return known;
    const pool = new FakePool(address, port);
    pools.push(pool);
    return pool;
  });
  const set = (ports: readonly number[], how: Partial<ServiceEndpoints> = {}) =>
    services.set({
      service: 'it',
      state,
      endpoints: ports.map((port) => ({ address: '127.0.0.1', port, version: 'v1' })),
      version: 'v1',
      everReady: ports.length > 0,
      problem: null,
      ...how,
    });
  set(Array.from({ length: count }, (_, i) => i));
  const service = services.get('it');
  const picks = (n: number, tried: readonly EndpointPool[] = []) =>
    Array.from({ length: n }, () => service.pick(0, tried)?.endpoint.port ?? null);
  return { services, service, pools, picks, set };
}

describe('ServiceRuntime.pick', () => {
  it('goes round', () => expect(make(3).picks(7)).toEqual([0, 1, 2, 0, 1, 2, 0]));

  it('finds the only endpoint that is left after one that was tried has gone', () => {
    const { picks, pools, set } = make(2);
    set([1]);
    expect(picks(1, [pools[0]!])).toEqual([1]);
    expect(picks(1, [pools[0]!, pools[1]!])).toEqual([null]);
  });

  it('spreads a resting endpoint’s share evenly over the others', () => {
    const { picks, pools } = make(4);
    pools[1]!.rests = true;
    const counts = new Map<number | null, number>();
    for (const port of picks(300)) counts.set(port, (counts.get(port) ?? 0) + 1);
    expect(counts.has(1)).toBe(false);
    for (const port of [0, 2, 3]) expect(counts.get(port)).toBe(100);
  });

  it('takes resting ones in turn when all rest', () => {
    const { picks, pools } = make(3);
    for (const pool of pools) pool.rests = true;
    expect(new Set(picks(3)).size).toBe(3);
  });

  it('takes none that was tried, and a resting one before none', () => {
    const { picks, pools } = make(3);
    expect(picks(3, [pools[0]!])).not.toContain(0);
    pools[2]!.rests = true;
    expect(picks(2, [pools[0]!, pools[1]!])).toEqual([2, 2]);
    expect(picks(1, pools)).toEqual([null]);
  });

  it('takes the only one although it rests, but not twice for one call', () => {
    const { picks, pools } = make(1);
    pools[0]!.rests = true;
    expect(picks(2)).toEqual([0, 0]);
    expect(picks(1, pools)).toEqual([null]);
  });

  it('has nothing without endpoints', () => expect(make(0).picks(1)).toEqual([null]));
});

describe('Services', () => {
  it('keeps the pool of an address that stays', () => {
    const { service, services, set } = make(2);
    const before = service.endpoints.map(({ pool }) => pool);
    set([1, 2]);
    expect(service.endpoints[0]!.pool).toBe(before[1]);
    expect([services.isUsed(before[0]!), services.isUsed(before[1]!)]).toEqual([false, true]);
    expect(services.takeReleased()).toEqual([before[0]]);
    expect(services.takeReleased()).toEqual([]);
  });

  it('is empty only when that is known', () => {
    expect(make(0, 'pending').service.isEmpty).toBe(false);
    expect(make(0, 'failed').service.isEmpty).toBe(true);
    expect(make(1).service.isEmpty).toBe(false);
  });

  it('remembers that a service once had an endpoint', () => {
    const { service, set } = make(1);
    set([], { everReady: false });
    expect(service.everReady).toBe(true);
  });

  it('lets calls that waited go on when an answer comes, and not before', () => {
    const { service, set, services } = make(0, 'pending');
    let resumed = 0;
    const exchange = { resume: () => resumed++ } as unknown as Exchange;
    service.waiting.push(exchange);
    set([], { state: 'pending' });
    expect(resumed).toBe(0);
    set([5], { state: 'known' });
    expect([resumed, service.waiting.length]).toEqual([1, 0]);
    service.waiting.push(exchange);
    services.delete('it');
    expect([resumed, service.state, service.endpoints.length]).toEqual([2, 'pending', 0]);
  });
});
