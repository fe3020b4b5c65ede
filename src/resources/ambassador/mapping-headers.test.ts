import { describe, expect, it } from 'vitest';
import { checkHeaderEdits, readHeaderEdits } from './mapping-headers.ts';

const codes = (fields: Record<string, unknown>): string[] =>
  checkHeaderEdits(fields, (field) => ['spec', field]).map(({ code }) => code);

describe('header edits', () => {
  it('carry what is not ASCII as UTF-8, without white space at the ends', () => {
    expect(readHeaderEdits({ 'X-Name': ' Zoë ' }, undefined).add).toEqual([
      { name: 'x-name', value: 'Zo\xc3\xab', append: true },
    ]);
  });

  it('leave alone what the gateway writes itself, with a warning', () => {
    expect(readHeaderEdits({ Connection: 'close', 'X-A': 1 }, ['Host', 'X-B'])).toEqual({
      remove: ['x-b'],
      add: [{ name: 'x-a', value: '1', append: true }],
    });
    expect(
      codes({ add_request_headers: { Connection: 'close' }, remove_response_headers: 'Content-Length' }),
    ).toEqual(['header-not-editable', 'header-not-editable']);
  });

  it('are errors where they could become another line, or no header at all', () => {
    expect(codes({ add_request_headers: { 'x-a': 'b\r\nevil: 1' } })).toEqual(['invalid-value']);
    expect(codes({ add_response_headers: { 'x-a': { value: 'a\u0000b', append: false } } })).toEqual([
      'invalid-value',
    ]);
    expect(codes({ add_request_headers: { 'x a': 'b' }, remove_request_headers: ['x:'] })).toEqual([
      'invalid-value',
      'invalid-value',
    ]);
    expect(codes({ add_request_headers: { 'x-a': 'b' }, remove_request_headers: 'x-b' })).toEqual([]);
  });
});
