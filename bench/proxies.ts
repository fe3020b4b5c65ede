import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The two backends: stable has 80 %, the canary 20 %. */
export interface Backends {
  readonly stable: number;
  readonly canary: number;
}

/** What is spoken on both sides of the proxy. */
export type Protocol = 'h2' | 'http1';

/** A certificate and its key, PEM. */
export interface Pair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** What the proxy is to speak. */
export interface Speech {
  readonly protocol: Protocol;
  /** Towards the client; null = cleartext. */
  readonly tls: Pair | null;
}

/** A proxy that is measured. */
export interface ProxyUnderTest {
  readonly name: string;
  /** Null when it is installed, else what is missing and how to get it. */
  readonly missing: string | null;
  /** Writes its configuration and returns its command line. */
  command(folder: string, port: number, backends: Backends, speech: Speech): readonly string[];
}

/** Admin port of Serin, from which its counters are read. */
export const SERIN_ADMIN = 19_100;

const setup = 'run bench/setup.sh';

/** All of them, in the order of the table. Each runs on one core with one thread. */
export const proxies: readonly ProxyUnderTest[] = [
  { name: 'Serin', missing: existsSync('dist/cli/main.js') ? null : 'npm run build', command: serin },
  {
    name: 'Envoy',
    missing: find('envoy') === null ? `Envoy is not installed: ${setup}` : null,
    command: envoy,
  },
  {
    name: 'HAProxy',
    missing: find('haproxy') === null ? `HAProxy is not installed: ${setup}` : null,
    command: haproxy,
  },
  {
    name: 'nginx',
    missing: find('nginx') === null ? `nginx is not installed: ${setup}` : null,
    command: nginx,
  },
  {
    name: 'HAProxy TCP',
    missing: find('haproxy') === null ? `HAProxy is not installed: ${setup}` : null,
    command: tcp,
  },
];

/** Path of a program: .peers/ first, then PATH; null when it is nowhere. */
export function find(program: string): string | null {
  const folders = ['.peers', '.peers/venv/bin', ...(process.env.PATH ?? '').split(':'), '/usr/sbin'];
  const found = folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
  return found === undefined ? null : resolve(found);
}

function serin(folder: string, port: number, backends: Backends, speech: Speech): readonly string[] {
  const mappings = mappingPair('/helloworld.Greeter/', '');
  const spoken =
    speech.protocol === 'h2' ? mappings : mappings.replaceAll('grpc: true, ', 'allow_upgrade: [websocket], ');
  const secret = speech.tls === null ? '' : secretOf(speech.tls);
  return serinWith(folder, port, backends, spoken + secret);
}

function secretOf({ certificate, privateKey }: Pair): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return `---
apiVersion: v1
kind: Secret
metadata: {name: bench}
data: {tls.crt: ${base64(certificate)}, tls.key: ${base64(privateKey)}}
---
apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: bench}
spec: {hosts: ["*"], secret: bench}
`;
}

/** Two Mappings that divide a prefix 80 to 20. @param suffix what tells their names from others'. */
export function mappingPair(prefix: string, suffix: string): string {
  const mapping = (name: string, more: string) =>
    `---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: ${name}${suffix}}\nspec: {hostname: "*", prefix: ${prefix}, rewrite: /helloworld.Greeter/, grpc: true, service: "${name}:80"${more}}\n`;
  return mapping('stable', '') + mapping('canary', ', weight: 20');
}

/** The command line of Serin with one worker on these manifests. */
export function serinWith(
  folder: string,
  port: number,
  backends: Backends,
  manifests: string,
): readonly string[] {
  const file = write(folder, 'serin.yaml', manifests);
  const run = [
    process.execPath,
    resolve('dist/cli/main.js'),
    'run',
    file,
    '--workers',
    '1',
    '--log-format',
    'json',
  ];
  const places = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${SERIN_ADMIN}`];
  const resolved = (['stable', 'canary'] as const).flatMap((name) => [
    '--resolve',
    `${name}.default:80=127.0.0.1:${backends[name]}`,
  ]);
  return [...run, ...places, ...resolved];
}

function envoy(
  folder: string,
  port: number,
  backends: Backends,
  { protocol, tls }: Speech,
): readonly string[] {
  const http2 = protocol === 'h2';
  const socket =
    tls === null
      ? ''
      : `
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [${http2 ? 'h2' : 'http/1.1'}]
            tls_certificates:
            - certificate_chain: {inline_string: ${JSON.stringify(tls.certificate)}}
              private_key: {inline_string: ${JSON.stringify(tls.privateKey)}}`;
  const cluster = (name: 'stable' | 'canary') => `
  - name: ${name}
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {${http2 ? 'http2_protocol_options' : 'http_protocol_options'}: {}}
    load_assignment:
      cluster_name: ${name}
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ${backends[name]}}}}}]}]`;
  const config = `static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: ${port}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress
          upgrade_configs: [{upgrade_type: websocket}]
          codec_type: ${http2 ? 'HTTP2' : 'HTTP1'}
          generate_request_id: true
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /helloworld.Greeter/}
                route: {timeout: 0s, weighted_clusters: {clusters: [{name: stable, weight: 80}, {name: canary, weight: 20}]}}${socket}
  clusters:${cluster('stable')}${cluster('canary')}
`;
  const file = write(folder, 'envoy.yaml', config);
  return [find('envoy')!, '-c', file, '--concurrency', '1', '--use-dynamic-base-id', '--log-level', 'error'];
}

function haproxy(
  folder: string,
  port: number,
  backends: Backends,
  { protocol, tls }: Speech,
): readonly string[] {
  const alpn = protocol === 'h2' ? 'h2' : 'http/1.1';
  const secure =
    tls === null
      ? ''
      : ` ssl crt ${write(folder, 'pair.pem', tls.certificate + tls.privateKey)} alpn ${alpn}`;
  const proto = protocol === 'h2' ? ' proto h2' : '';
  const config = `global
  nbthread 1
  maxconn 9900
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend in
  bind 127.0.0.1:${port}${secure === '' ? proto : secure}
  default_backend out
backend out
  balance roundrobin
  server stable 127.0.0.1:${backends.stable}${proto} weight 80
  server canary 127.0.0.1:${backends.canary}${proto} weight 20
`;
  return [find('haproxy')!, '-db', '-f', write(folder, 'haproxy.cfg', config)];
}

function tcp(folder: string, port: number, backends: Backends): readonly string[] {
  const config = `global
  nbthread 1
  maxconn 9900
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen in
  bind 127.0.0.1:${port}
  server stable 127.0.0.1:${backends.stable}
`;
  return [find('haproxy')!, '-db', '-f', write(folder, 'tcp.cfg', config)];
}

function nginx(
  folder: string,
  port: number,
  backends: Backends,
  { protocol, tls }: Speech,
): readonly string[] {
  const secure =
    tls === null
      ? ''
      : `ssl_certificate ${write(folder, 'pair.crt', tls.certificate)}; ssl_certificate_key ${write(folder, 'pair.key', tls.privateKey)};`;
  const http2 = protocol === 'h2';
  const config = `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events { worker_connections 16000; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  map $http_upgrade $hop { default upgrade; '' ''; }
  upstream out {
    server 127.0.0.1:${backends.stable} weight=80;
    server 127.0.0.1:${backends.canary} weight=20;
    keepalive 64;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port}${tls === null ? '' : ' ssl'}${http2 ? ' http2' : ''};
    ${secure}
    client_max_body_size 0;
    keepalive_requests 100000000;
    http2_max_concurrent_streams 1000;
    location / { ${http2 ? 'grpc_pass grpc://out;' : 'proxy_pass http://out; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $hop;'} }
  }
}
`;
  return [find('nginx')!, '-p', folder, '-e', 'stderr', '-c', write(folder, 'nginx.conf', config)];
}

function write(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(resolve(folder), name);
  writeFileSync(file, text);
  return file;
}
