import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import type { Image } from '../images.ts';
import { expand } from './environment-variables.ts';
import { type Container, type Pod, podName, type SecurityContext } from './pod.ts';

/** How a process ended. */
export interface Ended {
  readonly exitCode: number;
  readonly signal?: number;
}

/** The process of a container. */
export interface ContainerProcess {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Sends a signal to the container's first process alone, as a container runtime does. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** What a container needs to run. */
export interface ContainerRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: Image;
  readonly environment: Readonly<Record<string, string>>;
  /** Of the pod, as `ip netns` knows it. */
  readonly networkName: string;
  /** A folder of this start alone. */
  readonly folder: string;
  readonly logFile: string;
  /** The folder of a volume. */
  volumePath(name: string): string;
}

/** What keeps a kubelet from making a container (`CreateContainerConfigError`). */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

/** What containerd leaves a container of all capabilities. */
const defaultCapabilities = [
  'chown',
  'dac_override',
  'fsetid',
  'fowner',
  'mknod',
  'net_raw',
  'setgid',
  'setuid',
  'setfcap',
  'setpcap',
  'net_bind_service',
  'sys_chroot',
  'kill',
  'audit_write',
];

/**
 * Starts a container: the pod's network, a mount namespace with a file system of its own above this machine's, the image's files and
 * the pod's volumes in it, the user and the capabilities that the pod asks for. The process keeps its pid from the first `nsenter` on.
 */
export function startContainer(request: ContainerRequest): ContainerProcess {
  const { pod, container, environment, networkName, folder, logFile } = request;
  const script = mountScript(request);
  const privileges = setprivArguments(request);
  const command = commandOf(request);
  mkdirSync(folder, { recursive: true });
  const log = openSync(logFile, 'a');
  const child = spawn(
    'nsenter',
    [
      `--net=/run/netns/${networkName}`,
      'unshare',
      '--mount',
      '--uts',
      'sh',
      '-ec',
      script,
      pod.spec.hostname ?? pod.metadata.name,
      ...privileges,
      'env',
      `--chdir=${container.workingDir ?? '/'}`,
      '--',
      ...command,
    ],
    // A session of its own, so that what the container started goes with it.
    { stdio: ['ignore', log, log], env: { ...request.image.environment, ...environment }, detached: true },
  );
  closeSync(log);
  const pid = child.pid ?? 0;
  const killAll = () => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  };
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', () => resolve({ exitCode: 128 }));
    child.once('exit', (code, signal) => {
      killAll();
      const number = signal === 'SIGKILL' ? 9 : signal === 'SIGTERM' ? 15 : 1;
      resolve(signal === null ? { exitCode: code ?? 0 } : { exitCode: 128 + number, signal: number });
    });
  });
  return { pid, ended, signal: (signal) => void child.kill(signal) };
}

function commandOf({ container, image, environment }: ContainerRequest): string[] {
  const command = container.command ?? image.command;
  return [...command, ...(container.args ?? [])].map((word) => expand(word, environment));
}

/** The mounts of a container; `$0` is its host name, `$@` what runs then. */
function mountScript({ pod, container, image, folder, volumePath }: ContainerRequest): string {
  const root = quote(`${folder}/root`);
  const at = (path: string) => quote(`${folder}/root${path}`);
  const bind = (from: string, to: string, readOnly: boolean) => [
    `if [ -d ${quote(from)} ]; then mkdir -p ${at(to)}; else mkdir -p "$(dirname ${at(to)})"; [ -e ${at(to)} ] || : >${at(to)}; fi`,
    `mount --bind ${quote(from)} ${at(to)}`,
    ...(readOnly ? [`mount -o remount,bind,ro ${at(to)}`] : []),
  ];
  const readOnlyVolumes = new Set(
    (pod.spec.volumes ?? []).filter(({ emptyDir }) => emptyDir === undefined).map(({ name }) => name),
  );
  const lines = [
    `mkdir -p ${root} ${quote(`${folder}/upper`)} ${quote(`${folder}/work`)}`,
    `mount -t overlay overlay -o lowerdir=/,upperdir=${quote(`${folder}/upper`)},workdir=${quote(`${folder}/work`)} ${root}`,
    `mount --rbind /dev ${at('/dev')}`,
    `mount -t proc proc ${at('/proc')}`,
    // Neither this machine's files nor other pods' are to be found there.
    `mount -t tmpfs -o mode=755 tmpfs ${at('/run')}`,
    ...image.files.flatMap(({ from, to }) => bind(from, to, true)),
    ...(container.volumeMounts ?? []).flatMap(({ name, mountPath, subPath, readOnly = false }) =>
      bind(
        `${volumePath(name)}${subPath === undefined ? '' : `/${subPath}`}`,
        // It is a link on this machine, and would lead out of the container's root while that is not yet `/`.
        mountPath.replace(/^\/var\/run\//, '/run/'),
        readOnly || readOnlyVolumes.has(name),
      ),
    ),
    `echo "$0" >/proc/sys/kernel/hostname`,
  ];
  if (container.securityContext?.readOnlyRootFilesystem) {
    lines.push(`mount -o remount,bind,ro ${root}`, `mount -o remount,bind,ro ${at('/run')}`);
  }
  return [...lines, `exec chroot ${root} "$@"`].join('\n');
}

/** `setpriv` with the user, groups and capabilities of a container. Throws what a kubelet would refuse. */
function setprivArguments({ pod, container, image }: ContainerRequest): string[] {
  const own: SecurityContext = container.securityContext ?? {};
  const whole: SecurityContext = pod.spec.securityContext ?? {};
  const user = own.runAsUser ?? whole.runAsUser ?? image.user;
  const group = own.runAsGroup ?? whole.runAsGroup ?? (user === image.user ? image.user : 0);
  if ((own.runAsNonRoot ?? whole.runAsNonRoot) && user === 0) {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image will run as root (pod: ${podName(pod)}, container: ${container.name})`,
    );
  }
  const names = (list: readonly string[] | undefined) =>
    (list ?? []).map((name) => name.toLowerCase().replace(/^cap_/, ''));
  const dropped = new Set(names(own.capabilities?.drop));
  const kept = defaultCapabilities.filter((name) => !dropped.has('all') && !dropped.has(name));
  const bounding = [...new Set([...kept, ...names(own.capabilities?.add)])].map((name) => `,+${name}`);
  return [
    'setpriv',
    `--reuid=${user}`,
    `--regid=${group}`,
    whole.fsGroup === undefined ? '--clear-groups' : `--groups=${whole.fsGroup}`,
    '--inh-caps=-all',
    `--bounding-set=-all${bounding.join('')}`,
    ...(own.allowPrivilegeEscalation === false ? ['--no-new-privs'] : []),
  ];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
