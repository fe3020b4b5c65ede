import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { HandOver } from './hand-over.ts';

function taker(name: string, log: string[]) {
  return {
    take: (_: Socket, listener: string) => void log.push(`${name} ${listener}`),
    undelivered: () => (name === 'stuck' ? [[new Socket(), 'again'] as const] : []),
  };
}

describe('handing connections over', () => {
  test('workers take turns; one that is gone gets none', () => {
    const log: string[] = [];
    const [a, b] = [taker('a', log), taker('b', log)];
    const handOver = new HandOver();
    handOver.add(a);
    handOver.add(b);
    for (let i = 0; i < 4; i++) handOver.connection(new Socket(), 'l');
    expect(log.splice(0).sort()).toEqual(['a l', 'a l', 'b l', 'b l']);
    handOver.remove(a);
    for (let i = 0; i < 2; i++) handOver.connection(new Socket(), 'l');
    expect(log).toEqual(['b l', 'b l']);
  });

  test('what had not left for a worker that is gone goes to the next', () => {
    const log: string[] = [];
    const stuck = taker('stuck', log);
    const handOver = new HandOver();
    handOver.add(stuck);
    handOver.remove(stuck);
    handOver.add(taker('a', log));
    expect(log).toEqual(['a again']);
  });

  test('without a worker connections wait for the next, but not without end', () => {
    const log: string[] = [];
    const handOver = new HandOver();
    const sockets = Array.from({ length: 1025 }, () => new Socket());
    sockets.forEach((socket, i) => {
      handOver.connection(socket, `l${i}`);
    });
    expect(sockets.filter((socket) => socket.destroyed)).toEqual([sockets[1024]]);
    handOver.add(taker('a', log));
    expect([log.length, log[0], log[1023]]).toEqual([1024, 'a l0', 'a l1023']);
    handOver.close();
    expect(sockets[0]!.destroyed).toBe(false);
  });
});
