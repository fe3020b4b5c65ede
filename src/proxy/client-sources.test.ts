import { describe, expect, it } from 'vitest';
import { limitIndex } from '../metrics/catalog.ts';
import { WorkerMetrics } from '../metrics/worker-metrics.ts';
import type { Client } from './client.ts';
import { ClientSources } from './client-sources.ts';
import { limitsWith } from './limits.ts';
import { PlaceList } from './place-list.ts';

const client = (): Client => ({ place: -1, sweep() {}, drain() {}, shed() {}, destroy() {} });

function sources(most: number) {
  const counts = new WorkerMetrics().gateway;
  const all = new PlaceList<Client>();
  const set = { add: (one: Client) => all.add(one), delete: (one: Client) => all.delete(one) };
  return {
    counts,
    all,
    set,
    sources: new ClientSources(limitsWith({ connections_per_source: most }), counts, set),
  };
}

describe('connections of a source', () => {
  it('are not looked at without a limit', () => {
    const { sources: made, set } = sources(0);
    const never = (): string => {
      throw new Error('asked');
    };
    expect(made.enter(never)).toBe(set);
  });

  it('are bounded by address, and counted as long as one client of theirs stands', () => {
    const { sources: made, counts, all } = sources(2);
    const first = made.enter(() => 'a')!;
    const second = made.enter(() => 'a')!;
    const [unread, speaking, other] = [client(), client(), client()];
    first.add(unread);
    second.add(other);
    expect(made.enter(() => 'a')).toBeNull();
    expect(made.enter(() => 'b')).not.toBeNull();
    expect(counts[limitIndex.connections_per_source!]).toBe(1);
    // It turns out what it speaks: still the same connection.
    first.add(speaking);
    first.delete(unread);
    expect(made.enter(() => 'a')).toBeNull();
    // One that has left before the next one comes.
    first.delete(speaking);
    first.add(speaking);
    expect(made.enter(() => 'a')).toBeNull();
    first.delete(speaking);
    first.delete(speaking);
    expect(made.enter(() => 'a')).not.toBeNull();
    expect(all.size).toBe(1);
  });

  it('are forgotten with the last one', () => {
    const { sources: made } = sources(1);
    for (let n = 0; n < 100; n++) {
      const set = made.enter(() => `10.0.0.${n}`)!;
      const one = client();
      set.add(one);
      set.delete(one);
    }
    expect(made.size).toBe(0);
  });
});
