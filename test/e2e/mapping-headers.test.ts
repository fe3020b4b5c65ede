import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FourWays, moduleOf, startFourWays, type Way, ways } from '../support/four-ways.ts';

const mapping = (name: string, fields: string): string =>
  ['h1', 'h2']
    .map(
      (kind) => `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: ${name}-${kind}}
spec: {prefix: /${kind}/${name}/, service: "${kind}:80", grpc: ${kind === 'h2'}, ${fields}}
`,
    )
    .join('');
const redirect = (name: string, fields: string): string =>
  ['h1', 'h2']
    .map(
      (kind) => `---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: ${name}-${kind}}
spec: {prefix: /${kind}/${name}/, service: new.test, ${fields.replaceAll('KIND', kind)}}
`,
    )
    .join('');
const manifest =
  mapping('append', 'add_request_headers: {x-a: {value: two}}, add_response_headers: {x-b: {value: two}}') +
  mapping(
    'replace',
    'add_request_headers: {X-A: {value: two, append: false}}, add_response_headers: {date: {value: never, append: false}}',
  ) +
  mapping(
    'remove',
    'remove_request_headers: [X-A, x-forwarded-for], remove_response_headers: [content-type]',
  ) +
  mapping('both', 'remove_request_headers: [x-a], add_request_headers: {x-a: three}') +
  mapping('rewritten', 'host_rewrite: other.test, auto_host_rewrite: true') +
  mapping('auto', 'auto_host_rewrite: true') +
  mapping('linkerd', 'add_linkerd_headers: true') +
  redirect('host', 'host_redirect: true') +
  redirect('path', 'host_redirect: true, path_redirect: /new, redirect_response_code: 308') +
  redirect('prefix', 'host_redirect: true, prefix_redirect: /new/, redirect_response_code: 302') +
  redirect(
    'regex',
    'host_redirect: true, regex_redirect: {pattern: "^/KIND/regex/(\\\\d+)", substitution: "/n/\\\\1"}, redirect_response_code: 307',
  ) +
  redirect('own', 'prefix_redirect: /new/, redirect_response_code: 303');

let four: FourWays;

beforeAll(async () => {
  four = await startFourWays(manifest);
});

afterAll(() => four?.close());

describe.each(ways)('a client of %s and an upstream of %s', (...way) => {
  const ask = (path: string, headers = {}, method = 'GET') => four.ask(way as Way, headers, path, method);
  const host = way[1] === 'h1' ? 'host' : ':authority';

  it('add_*_headers append, unless append is false', async () => {
    await four.configure(manifest);
    expect((await ask('append/', { 'x-a': 'one' })).got).toMatchObject({ 'x-a': 'one, two' });
    const replaced = await ask('replace/', { 'x-a': 'one' });
    expect(replaced.got).toMatchObject({ 'x-a': 'two' });
    expect(replaced.headers).toMatchObject({ date: 'never' });
    expect((await ask('append/')).headers).toMatchObject({ 'x-b': 'two' });
  });

  it('remove_*_headers come first, so that removing and adding replaces', async () => {
    const { got } = await ask('remove/', { 'x-a': 'one' });
    expect(got).not.toHaveProperty('x-a');
    expect(got).not.toHaveProperty('x-forwarded-for');
    expect((await ask('both/', { 'x-a': 'one' })).got).toMatchObject({ 'x-a': 'three' });
  });

  it('the host is the client’s, host_rewrite’s, or with auto_host_rewrite the service’s', async () => {
    const client = { host: 'client.test:99' };
    expect((await ask('append/', client)).got).toMatchObject({ [host]: 'client.test:99' });
    expect((await ask('rewritten/', client)).got).toMatchObject({ [host]: 'other.test' });
    expect((await ask('auto/', client)).got).toMatchObject({ [host]: `${way[1]}.default` });
  });

  it('add_linkerd_headers says which service is meant, also by the Module', async () => {
    const override = { 'l5d-dst-override': `${way[1]}.default:80` };
    const lie = { 'l5d-dst-override': 'evil:1' };
    expect((await ask('linkerd/', lie)).got).toMatchObject(override);
    expect((await ask('append/')).got).not.toHaveProperty('l5d-dst-override');
    await four.configure(manifest + moduleOf('add_linkerd_headers: true'));
    expect((await ask('append/')).got).toMatchObject(override);
  });

  it.each([
    ['host/a?b=c', 301, 'http://new.test/KIND/host/a?b=c'],
    ['path/a?b=c', 308, 'http://new.test/new'],
    ['prefix/a?b=c', 302, 'http://new.test/new/a?b=c'],
    ['regex/12/x?b=c', 307, 'http://new.test/n/12/x?b=c'],
    ['own/a?b=c', 303, 'http://client.test/new/a?b=c'],
  ] as const)('a redirect: %s', async (path, status, location) => {
    await four.configure(manifest);
    const target = location.replace('KIND', way[1]);
    for (const method of ['GET', 'HEAD', 'POST']) {
      const answer = await ask(path, { host: 'client.test' }, method);
      expect([answer.status, answer.headers.location]).toEqual([status, target]);
      expect(answer.body.length === 0).toBe(method === 'HEAD');
      expect(Number(answer.headers['content-length'])).toBeGreaterThan(0);
    }
    await four.configure(manifest + moduleOf('xff_num_trusted_hops: 1'));
    const behind = await ask(path, { host: 'client.test', 'x-forwarded-proto': 'https' });
    expect(behind.headers.location).toBe(target.replace('http:', 'https:'));
    expect((await ask(path, { host: 'client.test' })).headers.location).toBe(target);
  });
});
