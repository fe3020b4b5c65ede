// Node's own clients: `node node.mjs fetch|http|http2 BASE CASES SIZES`. Prints a line of JSON for each case, as the other clients do.
import { createHash } from 'node:crypto';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';

const [mode, base, cases, sizeList] = process.argv.slice(2);
const sizes = sizeList.split(',').map(Number);
const url = new URL(base);

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const bodyOf = (length) => Buffer.alloc(length, 'The quick brown fox jumps over the lazy dog. ');

async function all(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* inPieces(body) {
  for (let at = 0; at < body.length; at += 50_000) yield body.subarray(at, at + 50_000);
}

/** fetch keeps its body's length to itself only where the body is a stream. */
async function callByFetch(method, path, { headers = {}, body, unknownLength = false }) {
  const response = await fetch(base + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: unknownLength ? inPieces(body) : body, duplex: 'half' }),
  });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  };
}

const secure = url.protocol === 'https:';
const agent = new (secure ? https : http).Agent({ keepAlive: true, maxSockets: 1 });

function open(method, path, headers) {
  return (secure ? https : http).request(base + path, { method, headers, agent });
}

function callByHttp(
  method,
  path,
  { headers = {}, body, unknownLength = false, trailers, awaitContinue = false },
) {
  return new Promise((resolve, reject) => {
    const length = body === undefined || unknownLength ? {} : { 'content-length': body.length };
    const announced = trailers === undefined ? {} : { trailer: Object.keys(trailers).join(', ') };
    const request = open(method, path, { ...headers, ...length, ...announced });
    const infos = [];
    let continued = false;
    request.on('error', reject);
    request.on('information', (info) => infos.push({ status: info.statusCode, headers: info.headers }));
    request.on('response', async (response) => {
      try {
        const bytes = await all(response);
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: bytes,
          trailers: response.trailers,
          infos,
          continued,
        });
      } catch (error) {
        reject(error);
      }
    });
    const send = () => {
      if (unknownLength) {
        for (let at = 0; at < body.length; at += 50_000) request.write(body.subarray(at, at + 50_000));
        if (body.length === 0) request.flushHeaders();
        if (trailers !== undefined) request.addTrailers(trailers);
        request.end();
      } else request.end(body);
    };
    if (!awaitContinue) return send();
    request.on('continue', () => {
      continued = true;
      send();
    });
    request.flushHeaders();
  });
}

let session;

function callByHttp2(method, path, { headers = {}, body, unknownLength = false, trailers }) {
  session ??= http2.connect(url.origin);
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    const length = body === undefined || unknownLength ? {} : { 'content-length': body.length };
    const request = session.request(
      { ':method': method, ':path': url.pathname + path, ...headers, ...length },
      { endStream: body === undefined, waitForTrailers: trailers !== undefined },
    );
    const infos = [];
    let head = {};
    let answerTrailers = {};
    request.on('error', reject);
    request.on('wantTrailers', () => request.sendTrailers(trailers));
    request.on('headers', (info) => infos.push({ status: info[':status'], headers: info }));
    request.on('response', (fields) => {
      head = fields;
    });
    request.on('trailers', (fields) => {
      answerTrailers = fields;
    });
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () =>
      resolve({
        status: head[':status'],
        headers: head,
        body: Buffer.concat(pieces),
        trailers: answerTrailers,
        infos,
      }),
    );
    if (body !== undefined) request.end(body);
  });
}

const call = { fetch: callByFetch, http: callByHttp, http2: callByHttp2 }[mode];

function check(what, seen, wanted) {
  if (seen !== wanted) throw new Error(`${what}: ${seen}, not ${wanted}`);
}

async function gets(kind) {
  for (const size of sizes) {
    const { status, headers, body } = await call('GET', `/${kind}/${size}`, {});
    check('status', status, 200);
    check('length', body.length, size);
    check('hash', sha256(body), headers['x-sha256']);
    if (kind === 'bytes') check('content-length', headers['content-length'], String(size));
  }
}

async function posts(options) {
  for (const size of sizes) {
    // Nobody may expect it for nothing (RFC 9110 10.1.1), and Node's client hangs when 100 and the answer come at once.
    if (options.awaitContinue && size === 0) continue;
    const body = bodyOf(size);
    const answer = await call('POST', '/post', { body, ...options });
    check('status', answer.status, 200);
    check('what arrived', answer.body.toString(), `${size} ${sha256(body)}`);
    if (options.awaitContinue) check('100', answer.continued, true);
  }
}

function upgraded() {
  return new Promise((resolve, reject) => {
    const request = open('GET', '/upgrade', { connection: 'Upgrade', upgrade: 'echo' });
    request.on('error', reject);
    request.on('response', (response) => reject(new Error(`status ${response.statusCode}`)));
    request.on('upgrade', (_, socket, head) => {
      const sent = bodyOf(1_000_000);
      const pieces = [head];
      socket.on('data', (piece) => pieces.push(piece));
      socket.on('end', () => {
        try {
          check('echo', sha256(Buffer.concat(pieces)), sha256(sent));
          resolve();
        } catch (error) {
          reject(error);
        }
      });
      socket.on('error', reject);
      socket.end(sent);
    });
    request.end();
  });
}

const tests = {
  GET: () => gets('bytes'),
  'GET without length': () => gets('chunked'),
  POST: () => posts({}),
  'POST without length': () => posts({ unknownLength: true }),
  HEAD: async () => {
    for (const size of sizes) {
      const { status, headers, body } = await call('HEAD', `/bytes/${size}`, {});
      check('status', status, 200);
      check('content-length', headers['content-length'], String(size));
      check('body', body.length, 0);
    }
  },
  204: async () => {
    const { status, body } = await call('GET', '/empty', {});
    check('status', status, 204);
    check('body', body.length, 0);
  },
  304: async () => {
    const first = await call('GET', '/same', {});
    check('status', first.status, 200);
    const second = await call('GET', '/same', { headers: { 'if-none-match': first.headers.etag } });
    check('status', second.status, 304);
    check('body', second.body.length, 0);
  },
  'answer trailers': async () => {
    const { status, body, trailers } = await call('GET', '/trailers', {});
    check('status', status, 200);
    check('body', body.toString(), 'with trailers');
    check('trailer', trailers['x-sum'], '42');
  },
  'request trailers': async () => {
    const body = bodyOf(1000);
    const answer = await call('POST', '/post', { body, unknownLength: true, trailers: { 'x-sum': '42' } });
    check('what arrived', answer.body.toString(), `1000 ${sha256(body)}`);
    check('trailer', answer.headers['x-got-trailer'], '42');
  },
  103: async () => {
    const { body, infos } = await call('GET', '/hints', {});
    check('body', body.toString(), 'hinted');
    check('1xx', infos.map(({ status }) => status).join(), '103');
    check('link', infos[0].headers.link, '</style.css>; rel=preload; as=style');
  },
  'Expect: 100-continue': () => posts({ headers: { expect: '100-continue' }, awaitContinue: true }),
  Upgrade: upgraded,
  // For servers of files: what was stored is what is read back.
  PUT: async () => {
    for (const size of sizes) {
      const body = bodyOf(size);
      const { status } = await call('PUT', `/put/${size}`, { body });
      check('stored', status === 201 || status === 204, true);
      check('hash', sha256((await call('GET', `/put/${size}`, {})).body), sha256(body));
    }
  },
  'PUT without length': async () => {
    for (const size of sizes) {
      const body = bodyOf(size);
      const { status } = await call('PUT', `/put/${size}`, { body, unknownLength: true });
      check('stored', status === 201 || status === 204, true);
      check('hash', sha256((await call('GET', `/put/${size}`, {})).body), sha256(body));
    }
  },
};

console.log(JSON.stringify({ version: process.version.slice(1) }));
for (const name of cases.split(',')) {
  let why = '';
  await tests[name]().catch((error) => {
    why = `${error.message} ${error.cause?.message ?? ''}`;
  });
  console.log(JSON.stringify({ case: name, why }));
}
agent.destroy();
session?.close();
