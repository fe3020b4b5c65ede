import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ObjectChange } from './reflector.ts';
import { SliceKeeper } from './slice-keeper.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const service = { path: 'Service quote.default', object: { kind: 'Service' } };
const slice = (name: string): ObjectChange => ({
  path: `EndpointSlice ${name}.default`,
  object: { metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': 'quote' } } },
});
const gone = ({ path }: ObjectChange): ObjectChange => ({ path, object: null });

function keeper() {
  const told: string[] = [];
  const kept = new SliceKeeper((changes) => {
    for (const { path, object } of changes) told.push(`${object === null ? '-' : '+'}${path.split('.')[0]}`);
  });
  kept.services([service]);
  kept.slices([slice('a')]);
  told.length = 0;
  return { kept, told };
}

test('the last slice of a Service stays until the Service’s own event', () => {
  const { kept, told } = keeper();
  kept.slices([gone(slice('a'))]);
  vi.advanceTimersByTime(900);
  expect(told).toEqual([]);
  kept.services([gone(service)]);
  expect(told).toEqual(['-Service quote', '-EndpointSlice a']);
  vi.advanceTimersByTime(5000);
  expect(told).toHaveLength(2);
});

test('but a second at most', () => {
  const { kept, told } = keeper();
  kept.slices([gone(slice('a'))]);
  vi.advanceTimersByTime(1000);
  expect(told).toEqual(['-EndpointSlice a']);
});

test('another slice that comes takes its place at once; the same one that comes again stays', () => {
  const { kept, told } = keeper();
  kept.slices([gone(slice('a'))]);
  kept.slices([slice('b')]);
  expect(told).toEqual(['+EndpointSlice b', '-EndpointSlice a']);
  kept.slices([gone(slice('b'))]);
  kept.slices([slice('b')]);
  vi.advanceTimersByTime(5000);
  expect(told).toEqual(['+EndpointSlice b', '-EndpointSlice a', '+EndpointSlice b']);
});

test('one of several goes at once, and so does that of a Service that is gone', () => {
  const { kept, told } = keeper();
  kept.slices([slice('b'), gone(slice('a'))]);
  expect(told).toEqual(['+EndpointSlice b', '-EndpointSlice a']);
  kept.services([gone(service)]);
  kept.slices([gone(slice('b'))]);
  expect(told.slice(2)).toEqual(['-Service quote', '-EndpointSlice b']);
});

test('a slice that goes and comes back for another Service is not ended with the time of the first', () => {
  const { kept, told } = keeper();
  kept.slices([gone(slice('a'))]);
  const other = {
    ...slice('a'),
    object: {
      metadata: { name: 'a', namespace: 'default', labels: { 'kubernetes.io/service-name': 'other' } },
    },
  };
  kept.slices([other]);
  vi.advanceTimersByTime(5000);
  expect(told).toEqual(['+EndpointSlice a']);
});
