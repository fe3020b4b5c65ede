/** A small seeded generator of random integers in [0, n) (mulberry32). */
export function seeded(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

/** Valid messages to begin with; each carries something that framing or routing depends on. */
const seeds: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a/b?c=d HTTP/1.1\r\nHost: a.test:80\r\nUser-Agent: x\r\nAccept: */*\r\nCookie: a=b\r\n\r\n',
  'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello',
  'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /next HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n',
  'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;q="a;b"\r\nabc\r\n0\r\nX-T: 1\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /t HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\nTrailer: X-T\r\n\r\n00a\r\n0123456789\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /1.0 HTTP/1.0\r\nConnection: keep-alive\r\nHost: a\r\n\r\nGET /2 HTTP/1.0\r\n\r\n',
  'GET /w HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n\r\nGET /n HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'DELETE /d HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX-Empty:\r\nX-Blank:  \r\nX-O: \u00e9\u00ff\r\n\r\n',
  'PUT /e HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nContent-Length: 3\r\n\r\nabcPUT /f HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nde',
];

/** What parsers stumble over. */
const pieces: readonly string[] = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\n\n',
    '\r\n\r\n',
    ' ',
    '\t',
    '\r\n ',
    '\0',
    '\x0b',
    '\x7f',
    '\u0080',
    '\u00ff',
    ':',
    ';',
    ',',
    '"',
    '#',
    '\\',
  ],
  ...[
    '0',
    '1',
    '5',
    'f',
    '0x',
    '+',
    '-',
    '_',
    '00000000000000000',
    'ffffffffffffffff',
    '18446744073709551621',
  ],
  ...[
    'chunked',
    'identity',
    'gzip, ',
    ', chunked',
    'close',
    'HTTP/1.0',
    'HTTP/1.1',
    'HTTP/2.0',
    'GET ',
    'POST ',
    'http://b',
  ],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 3\r\n',
    'Content-Length:\r\n',
    'content-length : 4\r\n',
    'Content-Length: 5, 5\r\n',
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding : chunked\r\n',
    'Transfer-Encoding: xchunked\r\n',
    'transfer-encoding:\tchunked\r\n',
  ],
  ...[
    'Transfer_Encoding: chunked\r\n',
    'Transfer-Encoding:\r\n chunked\r\n',
    'Host: b\r\n',
    'Connection: close\r\n',
    '0\r\n\r\n',
  ],
  ...[
    'Host:\r\n',
    'Cookie: c=d\r\n',
    'Connection: X-T, Cookie\r\n',
    'Connection: upgrade\r\nUpgrade: websocket\r\n',
    'Connection: Transfer-Encoding\r\n',
    'Expect: 100-continue\r\n',
    'Trailer: Content-Length\r\n',
    'TE: trailers, gzip;q=0.5\r\n',
    '3;a="\\"\r\nabc\r\n',
  ],
];

/**
 * A message as it is, or with some changes: bytes and pieces put in, taken out, doubled, exchanged.
 * @param most changes; @param from what to begin with (latin1).
 */
export function mutated(random: (n: number) => number, most = 3, from: readonly string[] = seeds): Buffer {
  let bytes: Buffer = Buffer.from(from[random(from.length)]!, 'latin1');
  for (let n = random(most + 1); n > 0; n--) bytes = change(bytes, random);
  return bytes;
}

function change(bytes: Buffer, random: (n: number) => number): Buffer {
  const at = random(bytes.length + 1);
  const before = bytes.subarray(0, at);
  const after = bytes.subarray(at);
  const length = Math.min(after.length, 1 + random(random(4) === 0 ? 30 : 2));
  switch (random(6)) {
    case 0:
      return Buffer.concat([before, after.subarray(length)]);
    case 1:
      return Buffer.concat([before, Buffer.from([random(256)]), after.subarray(1)]);
    case 2:
      return Buffer.concat([before, after.subarray(0, length), after]);
    case 3:
      return Buffer.concat([
        before,
        Buffer.from(pieces[random(pieces.length)]!, 'latin1'),
        after.subarray(length),
      ]);
    case 4: {
      // At the beginning of a line: there a whole field can be one.
      const line = bytes.indexOf('\r\n', at);
      const to = line < 0 ? at : line + 2;
      const piece = Buffer.from(pieces[random(pieces.length)]!, 'latin1');
      return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]);
    }
    default:
      return Buffer.concat([before, Buffer.from(pieces[random(pieces.length)]!, 'latin1'), after]);
  }
}
