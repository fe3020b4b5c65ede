import { describe, expect, it } from 'vitest';
import { rawCases } from '../support/http1-raw-cases.ts';
import { type ReadConnection, readConnection } from './http1-support.ts';

/** The outcomes that a reading amounts to, in the words of the rawCases. */
function outcomes(read: ReadConnection): string[] {
  const forwarded = read.messages
    .map(({ method, target, body }) => `${method} ${target}${body === '' ? '' : ` body=${body}`}`)
    .join(' + ');
  if (read.status === 0) return [`forward-as:${forwarded}`];
  // Messages in front of the one that was refused are forwarded as ever.
  if (forwarded !== '') return [`forward-as:${forwarded}`];
  return [`reject-${read.status}`, 'abort'];
}

describe.each(rawCases)('$name', ({ bytes_hex, expect: expected }) => {
  const bytes = Buffer.from(bytes_hex, 'hex');

  it.each([
    ['whole', bytes.length],
    ['byte by byte', 1],
  ])('%s', (_, step) => {
    const read = readConnection(bytes, step);
    expect(
      outcomes(read).some((outcome) => expected['one of'].includes(outcome)),
      `${outcomes(read)} (${read.problem}); permitted: ${expected['one of']}`,
    ).toBe(true);
    const written = Buffer.concat(read.messages.map((message) => message.written));
    const sent = written.toString('latin1').toLowerCase();
    const { forwarded } = expected;
    if (forwarded === undefined || sent === '') return;
    // What the gateway adds itself is not the reader's.
    for (const text of forwarded.must_have ?? [])
      if (!text.startsWith('x-forwarded-')) expect(sent).toContain(text);
    for (const text of forwarded.must_not_have ?? []) expect(sent).not.toContain(text);
    const hex = written.toString('hex');
    for (const one of forwarded.must_have_hex ?? []) expect(hex).toContain(one);
    for (const one of forwarded.must_not_have_hex ?? []) expect(hex).not.toContain(one);
    for (const [name, most] of Object.entries(forwarded.lines_at_most ?? {})) {
      expect(sent.split(`\r\n${name}:`).length - 1).toBeLessThanOrEqual(most);
    }
  });
});
