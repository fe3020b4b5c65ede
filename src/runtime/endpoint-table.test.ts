import { describe, expect, test } from 'vitest';
import type { ServiceEndpoints } from '../model/endpoints.ts';
import { EndpointTable, splitService } from './endpoint-table.ts';

const pending = (service: string): ServiceEndpoints => ({
  service,
  state: 'pending',
  endpoints: [],
  version: 'v1',
  everReady: false,
  problem: null,
});

describe('endpoints as workers see them', () => {
  test('names and ports', () => {
    expect(splitService('a.default:80')).toEqual({ host: 'a.default', port: 80 });
    expect(splitService('[::1]:443')).toEqual({ host: '::1', port: 443 });
    expect(splitService('nonsense')).toBeNull();
  });

  test('an answer fills every service of the host, with its own port and version', () => {
    const table = new EndpointTable();
    table.compiled({ set: [pending('a:80'), pending('a:81'), pending('b:80')], delete: [] });
    const patch = table.resolved('a', { addresses: ['10.0.0.1'], problem: null });
    expect(patch.set.map((s) => [s.service, s.state, s.endpoints, s.everReady])).toEqual([
      ['a:80', 'known', [{ address: '10.0.0.1', port: 80, version: 'v1' }], true],
      ['a:81', 'known', [{ address: '10.0.0.1', port: 81, version: 'v1' }], true],
    ]);
    expect(table.get('b:80')?.state).toBe('pending');
  });

  test('a compile that names a resolved service again does not lose its addresses', () => {
    const table = new EndpointTable();
    table.compiled({ set: [pending('a:80')], delete: [] });
    table.resolved('a', { addresses: ['10.0.0.1'], problem: null });
    const patch = table.compiled({ set: [pending('a:80')], delete: [] });
    expect(patch.set[0]?.endpoints.length).toBe(1);
  });

  test('a failed first lookup is told with its reason', () => {
    const table = new EndpointTable();
    table.compiled({ set: [pending('a:80')], delete: [] });
    const patch = table.resolved('a', { addresses: [], problem: 'no address for a' });
    expect(patch.set[0]).toMatchObject({ state: 'failed', problem: 'no address for a', everReady: false });
  });

  test('a host is needed while a service names it', () => {
    const table = new EndpointTable();
    table.compiled({ set: [pending('a:80')], delete: [] });
    expect(table.needs('a')).toBe(true);
    table.compiled({ set: [], delete: ['a:80'] });
    expect(table.needs('a')).toBe(false);
    expect(table.all().size).toBe(0);
  });
});
