import { describe, expect, test } from 'vitest';
import type { ListeningHandle } from '../proxy/transport/listening-handle.ts';
import { SharedPorts } from './shared-ports.ts';

function taker(name: string, log: string[]) {
  return {
    acceptFrom: (key: string) => void log.push(`${name} accepts ${key}`),
    closePort: (key: string) => void log.push(`${name} closes ${key}`),
  };
}

function handle(log: string[]): ListeningHandle {
  return { close: () => void log.push('parent closes') } as unknown as ListeningHandle;
}

describe('ports that workers accept from', () => {
  test('a worker gets those that are open, and those that come', () => {
    const log: string[] = [];
    const ports = new SharedPorts();
    ports.open('x', handle(log));
    const a = taker('a', log);
    ports.add(a);
    ports.add(a);
    ports.open('y', handle(log));
    ports.remove(a);
    ports.open('z', handle(log));
    expect(log).toEqual(['a accepts x', 'a accepts y']);
  });

  test('a port is closed when all have closed it; who has gone has', async () => {
    const log: string[] = [];
    const ports = new SharedPorts();
    const [a, b, c] = [taker('a', log), taker('b', log), taker('c', log)];
    for (const one of [a, b, c]) ports.add(one);
    ports.open('x', handle(log));
    log.length = 0;
    const closed = ports.close('x').then(() => log.push('closed'));
    ports.closed(a, 'x');
    ports.closed(a, 'other');
    await Promise.resolve();
    ports.remove(b);
    expect(log.splice(0)).toEqual(['parent closes', 'a closes x', 'b closes x', 'c closes x']);
    ports.closed(c, 'x');
    await closed;
    expect(log).toEqual(['closed']);
    await ports.close('x');
  });

  test('one that does not answer holds it up for a second', async () => {
    const log: string[] = [];
    const ports = new SharedPorts();
    ports.add(taker('a', log));
    ports.open('x', handle(log));
    const began = performance.now();
    await ports.close('x');
    expect(performance.now() - began).toBeGreaterThan(900);
  });
});
