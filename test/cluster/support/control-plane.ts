import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { makeCertificate } from '../../support/certificates.ts';
import { type ApiAccess, ApiClient } from './api.ts';
import { type AuditEvent, readAudit, writeAuditPolicy } from './audit.ts';
import { bridgeAddress, built } from './environment.ts';
import { mustRun, type Program, startProgram } from './program.ts';

/** One of the control plane's programs. */
export interface Part {
  readonly running: boolean;
  /** Starts it and waits until it is ready. */
  start(): Promise<void>;
  /** Ends it, by default as a crash does. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Everything that it has written. */
  log(): string;
}

/** A real control plane: etcd, kube-apiserver and kube-controller-manager, each of which can go and come on its own. */
export interface ControlPlane {
  readonly etcd: Part;
  readonly apiServer: Part;
  readonly controllerManager: Part;
  /** The cluster's administrator. */
  readonly access: ApiAccess;
  /** What ServiceAccounts have asked the API server for, from the beginning on. */
  audit(): readonly AuditEvent[];
  /** Saves what etcd has now. */
  saveSnapshot(file: string): Promise<void>;
  /**
   * Puts etcd back to a snapshot: resource versions go back with it. API server and controllers are stopped before it and
   * started again after it, as etcd's handbook demands.
   */
  restoreSnapshot(file: string): Promise<void>;
  /** Replaces the key that signs ServiceAccount tokens and restarts the API server: older tokens are refused from then on. */
  replaceTokenKey(): Promise<void>;
  stop(): Promise<void>;
}

const apiPort = 6443;
const etcdUrl = 'http://127.0.0.1:2379';
const peerUrl = 'http://127.0.0.1:2380';
const readyWithinMs = 60_000;

/** Kubernetes' own controllers that tests need; nodes' leases are not kept, so no controller may look at them. */
const controllers = [
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'job-controller',
  'endpointslice-controller',
  'endpointslice-mirroring-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'root-ca-certificate-publisher-controller',
  'garbage-collector-controller',
  'pod-garbage-collector-controller',
  'disruption-controller',
];

/** Starts all three. @param folder where certificates, data and logs go. */
export async function startControlPlane(folder: string): Promise<ControlPlane> {
  mkdirSync(folder, { recursive: true });
  const file = (name: string) => `${folder}/${name}`;
  const access = writeCredentials(folder);
  const api = new ApiClient(access);
  writeAuditPolicy(file('audit-policy.json'));
  let data = 0;
  let tokenKey = writeTokenKey(file('token-0.key'));

  const etcd = part(
    file('etcd.log'),
    () => [
      'etcd',
      '--name=test',
      `--data-dir=${file(`etcd-${data}`)}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=test=${peerUrl}`,
      // The data is in memory: nothing would outlive a crash of the machine.
      '--unsafe-no-fsync',
      '--quota-backend-bytes=4294967296',
      '--log-level=warn',
    ],
    async () => (await fetch(`${etcdUrl}/health`)).ok,
  );
  const apiServer = part(
    file('kube-apiserver.log'),
    () => [
      built.apiServer,
      `--etcd-servers=${etcdUrl}`,
      `--advertise-address=${bridgeAddress}`,
      `--secure-port=${apiPort}`,
      // Nothing here serves the Service `kubernetes`, and a slice that says so would be refused at the next start.
      '--endpoint-reconciler-type=none',
      '--authorization-mode=RBAC',
      `--token-auth-file=${file('tokens.csv')}`,
      `--tls-cert-file=${file('server.crt')}`,
      `--tls-private-key-file=${file('server.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${tokenKey}`,
      `--service-account-signing-key-file=${tokenKey}`,
      // Otherwise a token of ten minutes lives for a year.
      '--service-account-extend-token-expiration=false',
      '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112',
      '--allow-privileged=true',
      `--audit-policy-file=${file('audit-policy.json')}`,
      `--audit-log-path=${file('audit.log')}`,
      '--profiling=false',
    ],
    async () => (await api.text('/readyz')) === 'ok',
  );
  const controllerManager = part(
    file('kube-controller-manager.log'),
    () => [
      built.controllerManager,
      `--kubeconfig=${file('admin.json')}`,
      `--controllers=${controllers.join(',')}`,
      '--leader-elect=false',
      `--root-ca-file=${file('authority.crt')}`,
      `--cert-dir=${file('kube-controller-manager')}`,
      '--bind-address=127.0.0.1',
      '--authentication-skip-lookup=true',
      '--kube-api-qps=1000',
      '--kube-api-burst=2000',
    ],
    () => isHealthy('https://127.0.0.1:10257/healthz'),
  );

  const plane: ControlPlane = {
    etcd,
    apiServer,
    controllerManager,
    access,
    audit: () => readAudit(file('audit.log')),
    saveSnapshot: async (to) => {
      await mustRun(['etcdctl', `--endpoints=${etcdUrl}`, 'snapshot', 'save', to]);
    },
    restoreSnapshot: async (from) => {
      const controlled = controllerManager.running;
      await Promise.all([controllerManager.kill(), apiServer.kill(), etcd.kill()]);
      data++;
      await mustRun([
        'etcdctl',
        'snapshot',
        'restore',
        from,
        '--name=test',
        `--data-dir=${file(`etcd-${data}`)}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=test=${peerUrl}`,
      ]);
      await etcd.start();
      await apiServer.start();
      if (controlled) await controllerManager.start();
    },
    replaceTokenKey: async () => {
      tokenKey = writeTokenKey(file(`token-${randomBytes(4).toString('hex')}.key`));
      // At SIGTERM it would wait a minute for watches to end.
      await apiServer.kill();
      await apiServer.start();
    },
    stop: async () => {
      api.close();
      await Promise.all([controllerManager.kill(), apiServer.kill(), etcd.kill()]);
    },
  };
  await etcd.start();
  await apiServer.start();
  await controllerManager.start();
  return plane;
}

/** A program that is ready when `probe` says true; what it rejects with counts as false. */
function part(
  logFile: string,
  command: () => readonly [string, ...string[]],
  probe: () => Promise<boolean>,
): Part {
  let program: Program | null = null;
  return {
    get running() {
      return program?.running ?? false;
    },
    start: async () => {
      if (program?.running) throw new Error(`${command()[0]} runs already`);
      const started = startProgram(command(), logFile);
      program = started;
      const end = performance.now() + readyWithinMs;
      while (!(await probe().catch(() => false))) {
        if (!started.running) throw new Error(`${command()[0]} ended: ${started.log().slice(-4000)}`);
        if (performance.now() > end)
          throw new Error(`${command()[0]} is not ready: ${started.log().slice(-4000)}`);
        await wait(50);
      }
    },
    kill: async (signal = 'SIGKILL') => {
      if (program?.running) await program.kill(signal);
    },
    log: () => program?.log() ?? '',
  };
}

function writeCredentials(folder: string): ApiAccess {
  const authority = makeCertificate({ subject: 'test authority' });
  const server = makeCertificate({
    subject: 'kube-apiserver',
    issuer: authority,
    names: [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'localhost',
      '127.0.0.1',
      bridgeAddress,
    ],
  });
  const token = randomBytes(16).toString('hex');
  const access = {
    server: `https://${bridgeAddress}:${apiPort}`,
    authority: authority.certificate,
    token,
  };
  writeFileSync(`${folder}/authority.crt`, authority.certificate);
  writeFileSync(`${folder}/server.crt`, server.certificate);
  writeFileSync(`${folder}/server.key`, server.privateKey, { mode: 0o600 });
  writeFileSync(`${folder}/tokens.csv`, `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  writeFileSync(`${folder}/admin.json`, kubeconfig(access), { mode: 0o600 });
  return access;
}

/** A kubeconfig as JSON, which is YAML too. @param namespace the context's own. */
export function kubeconfig(access: ApiAccess, namespace = 'default'): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      {
        name: 'test',
        cluster: {
          server: access.server,
          'certificate-authority-data': Buffer.from(access.authority).toString('base64'),
        },
      },
    ],
    users: [{ name: 'test', user: { token: access.token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
  });
}

function writeTokenKey(file: string): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return file;
}

/** Whether a program that certifies itself says that it is well. */
function isHealthy(url: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    sent.once('error', reject);
    sent.end();
  });
}
