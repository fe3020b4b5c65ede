import { mkdirSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type ApiClient, ApiError, objectPath } from '../api.ts';
import type { ContainerRequest } from './container-process.ts';
import { type ContainerHost, ContainerRun } from './container-run.ts';
import { type ApiAddress, environmentOf } from './environment-variables.ts';
import type { Container, Pod } from './pod.ts';
import { makePodNetwork, type PodNetwork } from './pod-network.ts';
import { podStatus } from './pod-status.ts';
import { PodVolumes } from './volumes.ts';

/** What a pod needs from its node. */
export interface PodNode {
  readonly api: ApiClient;
  readonly address: string;
  /** Where pods find the API server. */
  readonly apiAddress: ApiAddress;
  /** Where pods' files and logs go. */
  readonly folder: string;
}

const retryMs = 200;

/** One pod on a node, from its binding to its last DELETE. */
export class PodWorker implements ContainerHost {
  #pod: Pod;
  readonly #node: PodNode;
  readonly #folder: string;
  readonly #initContainers: readonly ContainerRun[];
  readonly #containers: readonly ContainerRun[];
  readonly #startTime = new Date().toISOString();
  #network: PodNetwork | null = null;
  #volumes: PodVolumes | null = null;
  #terminating = false;
  /** The object has gone, or the tests are over: nothing is to be written any more. */
  #gone = false;
  #dirty = false;
  #writing: Promise<void> | null = null;
  readonly #begun: Promise<void>;

  constructor(pod: Pod, node: PodNode) {
    this.#pod = pod;
    this.#node = node;
    this.#folder = `${node.folder}/${pod.metadata.uid}`;
    mkdirSync(this.#folder, { recursive: true });
    this.#initContainers = (pod.spec.initContainers ?? []).map((one) => new ContainerRun(one, this, true));
    this.#containers = pod.spec.containers.map((one) => new ContainerRun(one, this, false));
    this.#begun = this.#begin();
    if (pod.metadata.deletionTimestamp !== undefined) this.update(pod);
  }

  get pod(): Pod {
    return this.#pod;
  }

  get address(): string {
    return this.#network?.addresses[0] ?? '';
  }

  /** The process of a container; null while it does not run. */
  pid(container: string): number | null {
    return this.#containers.find((one) => one.container.name === container)?.pid ?? null;
  }

  /** The file that a container writes to, over all its starts. */
  logFile(container: string): string {
    return `${this.#folder}/${container}.log`;
  }

  /** Its volumes; null until they are there. */
  get volumes(): PodVolumes | null {
    return this.#volumes;
  }

  /** Takes the object as it is now. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined && !this.#terminating) {
      this.#terminating = true;
      void this.#terminate(pod.metadata.deletionGracePeriodSeconds ?? 30);
    }
  }

  /** Writes volumes anew where what they show has changed. */
  async refreshVolumes(): Promise<void> {
    if (this.#terminating) return;
    // The API server may be away; the next round comes.
    await this.#volumes?.refresh(this.#pod).catch(() => {});
  }

  /** Kills what runs, without telling anybody: the object has gone, or the tests are over. */
  async abandon(): Promise<void> {
    this.#gone = true;
    this.#terminating = true;
    await this.#begun;
    await Promise.all([...this.#initContainers, ...this.#containers].map((one) => one.stop(0)));
    await this.#network?.remove();
    this.#network = null;
  }

  changed(): void {
    this.#dirty = true;
    this.#writing ??= this.#write();
  }

  async request(container: Container, attempt: number): Promise<Omit<ContainerRequest, 'image'>> {
    const { api, address, apiAddress } = this.#node;
    const network = this.#network!;
    const volumes = this.#volumes!;
    return {
      pod: this.#pod,
      container,
      environment: await environmentOf(this.#pod, container, network.addresses, address, api, apiAddress),
      networkName: network.name,
      folder: `${this.#folder}/${container.name}-${attempt}`,
      logFile: this.logFile(container.name),
      volumePath: (name) => volumes.path(name),
    };
  }

  async #begin(): Promise<void> {
    this.#network = await makePodNetwork();
    this.#volumes = new PodVolumes(
      `${this.#folder}/volumes`,
      this.#node.api,
      this.#network.addresses,
      this.#node.address,
    );
    for (;;) {
      if (this.#terminating) return;
      try {
        await this.#volumes.refresh(this.#pod);
        break;
      } catch {
        // A kubelet waits as well, until the Secret or ConfigMap is there.
        this.changed();
        await wait(retryMs);
      }
    }
    for (const one of this.#initContainers) {
      await one.start();
      while (!one.status().ready) {
        if (this.#terminating || one.finished) return;
        await wait(20);
      }
    }
    if (this.#terminating) return;
    await Promise.all(this.#containers.map((one) => one.start()));
  }

  async #terminate(graceSeconds: number): Promise<void> {
    await this.#begun;
    await Promise.all([...this.#initContainers, ...this.#containers].map((one) => one.stop(graceSeconds)));
    if (this.#gone) return;
    this.changed();
    await this.#writing;
    await this.#network?.remove();
    this.#network = null;
    rmSync(`${this.#folder}/volumes`, { recursive: true, force: true });
    await this.#untilDone(async () => {
      await this.#node.api.delete(this.#path(), {
        gracePeriodSeconds: 0,
        preconditions: { uid: this.#pod.metadata.uid },
      });
    });
  }

  /** Writes the status until it is what it should be: one write at a time, with all that changed meanwhile. */
  async #write(): Promise<void> {
    // What changes in the same turn goes into the same write.
    await wait(1);
    const { uid } = this.#pod.metadata;
    await this.#untilDone(async () => {
      while (this.#dirty && !this.#gone) {
        this.#dirty = false;
        const facts = {
          startTime: this.#startTime,
          addresses: this.#network?.addresses ?? [],
          nodeAddress: this.#node.address,
          initContainers: this.#initContainers.map((one) => one.status()),
          containers: this.#containers.map((one) => one.status()),
        };
        try {
          const status = podStatus(this.#pod, facts);
          await this.#node.api.patch(`${this.#path()}/status`, { metadata: { uid }, status });
        } catch (error) {
          this.#dirty = true;
          throw error;
        }
      }
    });
    this.#writing = null;
    if (this.#dirty && !this.#gone) this.changed();
  }

  #path(): string {
    return objectPath('v1', 'pods', this.#pod.metadata.namespace, this.#pod.metadata.name);
  }

  /** Tries until it succeeds or there is nothing left to try it on; the API server may be away. */
  async #untilDone(what: () => Promise<void>): Promise<void> {
    while (!this.#gone) {
      try {
        await what();
        return;
      } catch (error) {
        if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return;
        await wait(retryMs);
      }
    }
  }
}
