import { expect, test } from 'vitest';
import { decodeText } from './decode-text.ts';

test('the byte order mark tells the encoding and does not stay in the text', () => {
  expect(decodeText(Buffer.from('a: ü'))).toBe('a: ü');
  expect(decodeText(Buffer.from('\ufeffa: ü'))).toBe('a: ü');
  expect(decodeText(Buffer.from('\ufeffa: ü', 'utf16le'))).toBe('a: ü');
  expect(decodeText(Buffer.from('\ufeffa: ü', 'utf16le').swap16())).toBe('a: ü');
});
