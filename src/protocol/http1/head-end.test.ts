import { expect, it } from 'vitest';
import { endOfHead } from './head-end.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

it('finds the empty line, however the bytes came', () => {
  const head = bytes('xxGET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n');
  const end = head.indexOf('body');
  expect(endOfHead(head, 2, 2, head.length)).toBe(end);
  for (let come = 2; come < end; come++) {
    expect(endOfHead(head, 2, come, come + 1), `byte ${come}`).toBe(come + 1 === end ? end : -1);
  }
});

it('stops at an LF without CR and at a CR without LF, which reading refuses', () => {
  expect(endOfHead(bytes('GET / HTTP/1.1\nHost'), 0, 0, 19)).toBe(15);
  expect(endOfHead(bytes('\n'), 0, 0, 1)).toBe(1);
  expect(endOfHead(bytes('GET\rA'), 0, 4, 5)).toBe(5);
});

it('looks at no byte in front of the head', () => {
  expect(endOfHead(bytes('\r\n\r\n'), 2, 2, 4)).toBe(-1);
});
