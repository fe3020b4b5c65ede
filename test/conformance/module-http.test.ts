import { describe, expect, test } from 'vitest';
import { Compiler } from '../../src/compiler/compiler.ts';
import { testOptions } from '../../src/compiler/test-support.ts';
import { defaultHttpSettings } from '../../src/model/http-settings.ts';

function compile(config: string, compiler = new Compiler(testOptions), version = 'v3alpha1') {
  const text = `apiVersion: getambassador.io/${version}
kind: Module
metadata: {name: ambassador}
spec:
  config:
    ${config.replaceAll(/\n(?!---|apiV|kind|meta|spec)/g, '\n    ')}
`;
  const { snapshot, patch, issues } = compiler.update([{ path: 'm.yaml', text }]);
  return {
    http: snapshot.http,
    patch,
    codes: issues.map(({ code, line, column }) => `${line}:${column} ${code}`),
    messages: issues.map(({ message, help }) => `${message}; ${help}`),
  };
}

describe('the Module’s settings for heads', () => {
  test('are the defaults where nothing is written', () => {
    expect(compile('{}')).toMatchObject({ http: defaultHttpSettings, codes: [] });
  });

  test('are read with Ambassador’s names', () => {
    const { http, codes } = compile(`use_remote_address: false
preserve_external_request_id: true
suppress_envoy_headers: false
server_name: my edge
forward_client_cert_details: APPEND_FORWARD
set_current_client_cert_details: {subject: true, uri: true}
merge_slashes: true
reject_requests_with_escaped_slashes: true
strip_matching_host_port: true
headers_with_underscores_action: DROP_HEADER
xff_num_trusted_hops: 2
x_forwarded_proto_redirect: true
add_linkerd_headers: true
enable_http10: true
diagnostics: {enabled: false}
serin: {begin_traces: 0.5, via: edge, forwarded: true, x_forwarded_host: true}`);
    expect(codes).toEqual([]);
    expect(http).toEqual({
      useRemoteAddress: false,
      preserveRequestId: true,
      traceSampledPercent: 0.5,
      via: 'edge',
      forwarded: true,
      forwardedHost: true,
      envoyHeaders: true,
      serverName: 'my edge',
      clientCertMode: 'append_forward',
      clientCertDetails: { subject: true, cert: false, chain: false, dns: false, uri: true },
      path: { mergeSlashes: true, escapedSlashes: 'reject' },
      stripMatchingPort: true,
      underscores: 'drop',
      compression: null,
      addressRules: [],
    });
  });

  test.each([
    ['{}', null],
    ['gzip: {enabled: false}', null],
    ['serin: {compression: {}}', null],
    ['gzip: {}', { codings: ['gzip'], minLength: 30, gzip: { level: -1, windowBits: 12, memoryLevel: 5 } }],
    [
      'gzip: {compression_level: BEST, min_content_length: 50, window_bits: 15, memory_level: 9, content_type: ["Text/X; a"]}',
      { minLength: 50, types: ['text/x'], gzip: { level: 9, windowBits: 15, memoryLevel: 9 } },
    ],
    [
      'gzip: {compression_level: COMPRESSION_LEVEL_3}',
      { gzip: { level: 3, windowBits: 12, memoryLevel: 5 } },
    ],
    ['serin: {compression: {codings: [zstd, br], zstd_level: 7}}', { codings: ['zstd', 'br'], zstdLevel: 7 }],
    ['{gzip: {}, serin: {compression: {codings: [br]}}}', { codings: ['br', 'gzip'], brotliQuality: 4 }],
  ])('compression by %s', (config, compression) => {
    const { http, codes } = compile(config);
    expect(codes).toEqual([]);
    if (compression === null) expect(http.compression).toBeNull();
    else expect(http.compression).toMatchObject(compression);
  });

  test.each([
    ['xff_num_trusted_hops: -1', 'xff', 'invalid-value'],
    ['xff_num_trusted_hops: "1"', 'xff', 'wrong-type'],
    ['use_remote_address: 1', 'use', 'wrong-type'],
    ['server_name: "a\\r\\nb: c"', 'server', 'invalid-value'],
    ['serin: {via: "a b"}', 'via', 'invalid-value'],
    ['serin: {begin_traces: 101}', 'begin', 'invalid-value'],
    ['serin: {escaped_slashes: merge}', 'escaped', 'invalid-value'],
    ['forward_client_cert_details: ALWAYS', 'forward', 'invalid-value'],
    ['headers_with_underscores_action: allow', 'headers', 'invalid-value'],
    ['gzip: {window_bits: 16}', 'window', 'invalid-value'],
    ['gzip: {compression_level: 11}', 'compression_level', 'invalid-value'],
    ['serin: {compression: {codings: [lzma]}}', 'codings', 'invalid-value'],
  ])('%s is an error with its place, and the last good state stays', (config, key, code) => {
    const compiler = new Compiler(testOptions);
    expect(compile('server_name: good', compiler).http.serverName).toBe('good');
    const { codes, http, messages } = compile(config, compiler);
    expect(codes).toEqual([`6:${5 + config.indexOf(key)} ${code}`]);
    expect(messages[0]).not.toMatch(/[{}]|null|undefined/);
    expect(http.serverName).toBe('good');
  });

  test.each([
    ['serin: {vai: edge}', 'unknown-field'],
    ['set_current_client_cert_details: {subjekt: true}', 'unknown-field'],
    ['gzip: {compression_strategy: RLE}', 'field-not-served'],
    ['proper_case: true', 'field-not-served'],
    ['enable_http10: false', 'field-not-served'],
    ['envoy_log_type: json', 'field-not-served'],
    ['service_port: 8080', 'field-not-served'],
    ['statsd: {enabled: true}', 'field-not-served'],
    ['error_response_overrides: []', 'field-not-served'],
    ['lua_scripts: x', 'field-not-served'],
    ['use_ambassador_namespace_for_service_resolution: true', 'field-not-served'],
  ])('%s is a warning', (config, code) => {
    expect(compile(config).codes.map((text) => text.replace(/^\d+:\d+ /, ''))).toEqual([code]);
  });

  test('x_forwarded_proto_redirect is nothing beside Hosts, which is said', () => {
    const host = `---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: h}
spec: {hostname: a.test}`;
    expect(compile(`x_forwarded_proto_redirect: true\n${host}`).codes).toEqual(['6:5 overridden-field']);
  });

  test('are in a patch only when they change', () => {
    const compiler = new Compiler(testOptions);
    expect(compile('merge_slashes: true', compiler).patch.http).toMatchObject({
      path: { mergeSlashes: true },
    });
    expect(compile('merge_slashes: true\n', compiler).patch.http).toBeNull();
    expect(compile('{}', compiler).patch.http).toEqual(defaultHttpSettings);
  });
});

describe('use_proxy_proto', () => {
  const proxied = (more: string, listen: readonly { address: string; port: number }[] = []) => {
    const { snapshot, issues } = new Compiler({ ...testOptions, listen }).update([
      {
        path: 'm.yaml',
        text: `apiVersion: getambassador.io/v2
kind: Module
metadata: {name: ambassador}
spec: {config: {use_proxy_proto: true}}
${more}`,
      },
    ]);
    return {
      ports: snapshot.listeners.map(({ port, proxyProtocol }) => `${port} ${proxyProtocol}`),
      codes: issues.map(({ code, line, column }) => `${line}:${column} ${code}`),
    };
  };
  const listener = `---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: l}
spec: {port: 80, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
`;
  const tcp = `---
apiVersion: getambassador.io/v2
kind: TCPMapping
metadata: {name: db}
spec: {port: 5432, service: db}
`;

  test('is for the ports of HTTP that no Listener describes', () => {
    expect(proxied('')).toEqual({ ports: ['8080 true'], codes: [] });
    const listen = [{ address: '127.0.0.1', port: 9 }];
    expect(proxied(listener + tcp, listen)).toEqual({ ports: ['9 true', '5432 false'], codes: [] });
  });

  test('is nothing beside Listeners, which is said', () => {
    expect(proxied(listener)).toEqual({ ports: ['80 false'], codes: ['4:17 overridden-field'] });
  });
});
