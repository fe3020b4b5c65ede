import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ApiClient, objectPath } from '../api.ts';
import { fieldOf, keyedData, resourceOf } from './environment-variables.ts';
import type { KeyToPath, Pod, Volume, VolumeSource } from './pod.ts';

interface Token {
  readonly token: string;
  /** Milliseconds since 1970: at 80 % of its life, as a kubelet does. */
  readonly refreshAt: number;
}

/** The folders of one pod's volumes, kept as a kubelet keeps them. */
export class PodVolumes {
  readonly #folder: string;
  readonly #api: ApiClient;
  readonly #addresses: readonly string[];
  readonly #nodeAddress: string;
  readonly #tokens = new Map<string, Token>();
  readonly #written = new Map<string, string>();

  /** @param folder where they go. */
  constructor(folder: string, api: ApiClient, addresses: readonly string[], nodeAddress: string) {
    this.#folder = folder;
    this.#api = api;
    this.#addresses = addresses;
    this.#nodeAddress = nodeAddress;
  }

  /** The folder of a volume. */
  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** Writes what is missing or has changed. Throws what keeps a kubelet from mounting a volume. */
  async refresh(pod: Pod): Promise<void> {
    for (const volume of pod.spec.volumes ?? []) {
      const folder = this.path(volume.name);
      await mkdir(folder, { recursive: true });
      const { runAsUser = 0, fsGroup } = pod.spec.securityContext ?? {};
      if (volume.emptyDir) {
        await chmod(folder, 0o777);
        if (fsGroup !== undefined) await chown(folder, 0, fsGroup);
        continue;
      }
      const files = await this.#files(pod, volume);
      const digest = createHash('sha256');
      for (const [path, bytes] of files) digest.update(`${path}\0${bytes.length}\0`).update(bytes);
      const said = digest.digest('hex');
      if (this.#written.get(volume.name) === said) continue;
      await publish(folder, files, runAsUser, fsGroup);
      this.#written.set(volume.name, said);
    }
  }

  /** Asks for new ServiceAccount tokens at the next refresh, however young the present ones are. */
  forgetTokens(): void {
    this.#tokens.clear();
  }

  async #files(pod: Pod, volume: Volume): Promise<Map<string, Buffer>> {
    const files = new Map<string, Buffer>();
    for (const source of volume.projected?.sources ?? [volume]) {
      for (const [path, bytes] of await this.#source(pod, source, volume.name)) files.set(path, bytes);
    }
    return files;
  }

  async #source(pod: Pod, source: VolumeSource, volume: string): Promise<[string, Buffer][]> {
    const { secret, configMap, downwardAPI, serviceAccountToken } = source;
    if (serviceAccountToken) {
      const { path, audience, expirationSeconds = 3600 } = serviceAccountToken;
      return [[path, Buffer.from(await this.#token(pod, `${volume}/${path}`, audience, expirationSeconds))]];
    }
    if (downwardAPI) {
      return (downwardAPI.items ?? []).map(({ path, fieldRef, resourceFieldRef }) => {
        const value = fieldRef
          ? fieldOf(pod, fieldRef.fieldPath, this.#addresses, this.#nodeAddress)
          : resourceFieldRef && resourceOf(pod, pod.spec.containers[0]!, resourceFieldRef);
        return [path, Buffer.from(value ?? '')];
      });
    }
    const ref = secret ?? configMap;
    if (ref === undefined) throw new Error(`volume ${volume} is of a kind that is not known here`);
    const name = secret?.secretName ?? ref.name ?? '';
    const kind = secret ? 'secrets' : 'configmaps';
    const data = await keyedData(this.#api, kind, pod, { name, optional: ref.optional ?? false });
    return chosen(data ?? {}, ref.items);
  }

  async #token(
    pod: Pod,
    key: string,
    audience: string | undefined,
    expirationSeconds: number,
  ): Promise<string> {
    const kept = this.#tokens.get(key);
    if (kept !== undefined && Date.now() < kept.refreshAt) return kept.token;
    const { namespace, name, uid } = pod.metadata;
    const account = objectPath('v1', 'serviceaccounts', namespace, pod.spec.serviceAccountName ?? 'default');
    const { status } = await this.#api.post<{ status: { token: string; expirationTimestamp: string } }>(
      `${account}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          audiences: audience === undefined ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
    );
    const lifeMs = Date.parse(status.expirationTimestamp) - Date.now();
    this.#tokens.set(key, { token: status.token, refreshAt: Date.now() + 0.8 * lifeMs });
    return status.token;
  }
}

function chosen(data: Record<string, Buffer>, items: readonly KeyToPath[] | undefined): [string, Buffer][] {
  if (items === undefined) return Object.entries(data);
  return items.map(({ key, path }) => {
    const bytes = data[key];
    if (bytes === undefined) throw new Error(`references non-existent key: ${key}`);
    return [path, bytes];
  });
}

/**
 * Puts files into a volume as a kubelet does: a new folder, and `..data`, through which all names go, is turned to it in one step.
 * So a reader sees all old files or all new ones.
 */
async function publish(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
  user: number,
  group: number | undefined,
): Promise<void> {
  const old = await readlink(`${folder}/..data`).catch(() => null);
  const next = `..${randomBytes(6).toString('hex')}`;
  await mkdir(`${folder}/${next}`);
  for (const [path, bytes] of files) {
    const file = `${folder}/${next}/${path}`;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes, { mode: 0o644 });
    if (group !== undefined) await chown(file, user, group);
  }
  await symlink(next, `${folder}/..data_tmp`);
  await rename(`${folder}/..data_tmp`, `${folder}/..data`);
  const present = new Set(await readdir(folder));
  const wanted = new Set([...files.keys()].map((path) => path.split('/')[0]!));
  for (const name of wanted) if (!present.has(name)) await symlink(`..data/${name}`, `${folder}/${name}`);
  for (const name of present) {
    if (!name.startsWith('..') && !wanted.has(name)) await rm(`${folder}/${name}`);
  }
  if (old !== null) await rm(`${folder}/${old}`, { recursive: true, force: true });
}
