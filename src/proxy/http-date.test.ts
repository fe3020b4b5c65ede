import { expect, it } from 'vitest';
import { dateLineBytes, httpDate, writeDateLine } from './http-date.ts';

it('is an IMF-fixdate (RFC 9110 5.6.7) of now, as a line of a fixed length', () => {
  const text = httpDate();
  expect(text).toMatch(/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
  expect(Math.abs(Date.parse(text) - Date.now())).toBeLessThan(2000);
  const target = Buffer.alloc(dateLineBytes + 2);
  expect(writeDateLine(target, 2)).toBe(target.length);
  expect(String(target.subarray(2))).toMatch(/^date: .{29}\r\n$/);
});
