import { findImage } from '../images.ts';
import {
  ContainerConfigError,
  type ContainerProcess,
  type ContainerRequest,
  type Ended,
  startContainer,
} from './container-process.ts';
import type { Container, ContainerState, ContainerStatus, Pod, Probe } from './pod.ts';
import { httpGet, Prober, tryProbe } from './probes.ts';

/** What a container's life needs from its pod. */
export interface ContainerHost {
  /** The pod as it is now. */
  readonly pod: Pod;
  /** Where probes find it. */
  readonly address: string;
  /** Everything for one more start. Throws what keeps a kubelet from it. */
  request(container: Container, attempt: number): Promise<Omit<ContainerRequest, 'image'>>;
  /** The container's status is another one. */
  changed(): void;
}

/** A kubelet's first wait before a container is started again; each is twice as long as the one before. */
const firstBackOffMs = 10_000;
const longestBackOffMs = 300_000;
const retryMs = 1_000;

/** One container of a pod: its starts, its probes, its end. */
export class ContainerRun {
  readonly container: Container;
  readonly #host: ContainerHost;
  /** A container that is to end by itself before the pod's others start. */
  readonly #isInit: boolean;
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #lastState: ContainerState = {};
  #ready = false;
  #started = false;
  #restarts = 0;
  #attempt = 0;
  #process: ContainerProcess | null = null;
  #probers: Prober[] = [];
  #timer: NodeJS.Timeout | null = null;
  #stopping = false;
  #exited: () => void = () => {};

  constructor(container: Container, host: ContainerHost, isInit: boolean) {
    this.container = container;
    this.#host = host;
    this.#isInit = isInit;
  }

  /** Of the process that runs now; null while none does. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** True when it has ended and is not started again. */
  get finished(): boolean {
    return (
      this.#state.terminated !== undefined && (this.#stopping || !this.#restartsAfter(this.#state.terminated))
    );
  }

  status(): ContainerStatus {
    const { name, image } = this.container;
    return {
      name,
      image,
      imageID: `test://${image}`,
      ...(this.#attempt > 0 && {
        containerID: `test://${this.#host.pod.metadata.uid}-${name}-${this.#attempt}`,
      }),
      ready: this.#ready,
      started: this.#started,
      restartCount: this.#restarts,
      state: this.#state,
      lastState: this.#lastState,
    };
  }

  /** Starts it; resolves when it has started, or has ended if it is one that must. A failure is its state, and tried again. */
  async start(): Promise<void> {
    const image = findImage(this.container.image);
    if (image === null) {
      this.#wait('ErrImagePull', `${this.container.image}: no such image here`);
      return;
    }
    let process: ContainerProcess;
    try {
      process = startContainer({
        ...(await this.#host.request(this.container, this.#attempt + 1)),
        image,
      });
    } catch (error) {
      if (this.#stopping) return;
      this.#wait('CreateContainerConfigError', error instanceof Error ? error.message : String(error));
      // Nothing that is asked again changes what the pod's own text forbids.
      if (!(error instanceof ContainerConfigError)) this.#later(retryMs);
      return;
    }
    this.#attempt++;
    this.#process = process;
    this.#state = { running: { startedAt: new Date().toISOString() } };
    // Told to stop while the start was being prepared.
    if (this.#stopping) process.signal('SIGTERM');
    const exit = new Promise<void>((resolve) => {
      this.#exited = resolve;
    });
    void process.ended.then((how) => this.#ended(how));
    if (!this.#stopping) this.#probe();
    this.#host.changed();
    if (this.#isInit) await exit;
  }

  /** Ends it as a kubelet does: preStop, SIGTERM, and SIGKILL when the grace is over. */
  async stop(graceSeconds: number): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    // Readiness goes on being asked until the end; the others would only start it again.
    const process = this.#process;
    if (process === null) {
      this.#stopProbes();
      return;
    }
    const kill = setTimeout(() => process.signal('SIGKILL'), graceSeconds * 1000);
    await this.#preStop(graceSeconds * 1000);
    process.signal(graceSeconds === 0 ? 'SIGKILL' : 'SIGTERM');
    await process.ended;
    clearTimeout(kill);
  }

  async #preStop(withinMs: number): Promise<void> {
    const { httpGet: get, sleep } = this.container.lifecycle?.preStop ?? {};
    if (get) await httpGet(get, this.container, this.#host.address, withinMs);
    if (sleep) await new Promise((resolve) => setTimeout(resolve, Math.min(sleep.seconds * 1000, withinMs)));
  }

  #ended({ exitCode, signal }: Ended): void {
    this.#stopProbes();
    const terminated = {
      exitCode,
      ...(signal !== undefined && { signal }),
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt: this.#state.running?.startedAt ?? new Date().toISOString(),
      finishedAt: new Date().toISOString(),
    };
    this.#process = null;
    this.#ready = this.#isInit && exitCode === 0;
    this.#started = false;
    this.#state = { terminated };
    if (!this.#stopping && this.#restartsAfter(terminated)) {
      this.#lastState = this.#state;
      // The first time at once.
      const waitMs =
        this.#restarts === 0 ? 0 : Math.min(firstBackOffMs * 2 ** (this.#restarts - 1), longestBackOffMs);
      if (waitMs > 0) {
        const message = `back-off ${waitMs / 1000}s restarting failed container=${this.container.name}`;
        this.#state = { waiting: { reason: 'CrashLoopBackOff', message } };
      }
      this.#restarts++;
      this.#later(waitMs);
    }
    this.#exited();
    this.#host.changed();
  }

  #restartsAfter({ exitCode }: { exitCode: number }): boolean {
    const { restartPolicy = 'Always' } = this.#host.pod.spec;
    if (this.#isInit) return exitCode !== 0 && restartPolicy !== 'Never';
    return restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && exitCode !== 0);
  }

  #probe(): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.container;
    const startup = startupProbe;
    if (startup) {
      const prober = this.#prober(startup, (success) => {
        prober.stop();
        if (success) this.#probeStarted(readinessProbe, livenessProbe);
        else void this.#restart();
      });
    } else this.#probeStarted(readinessProbe, livenessProbe);
  }

  #probeStarted(readiness: Probe | undefined, liveness: Probe | undefined): void {
    this.#started = true;
    if (readiness) this.#prober(readiness, (success) => this.#setReady(success));
    else this.#ready = true;
    if (liveness) {
      const prober = this.#prober(liveness, (success) => {
        if (success || this.#stopping) return;
        prober.stop();
        void this.#restart();
      });
    }
    this.#host.changed();
  }

  #prober(probe: Probe, decided: (success: boolean) => void): Prober {
    const prober = new Prober(probe, () => tryProbe(probe, this.container, this.#host.address), decided);
    this.#probers.push(prober);
    return prober;
  }

  #setReady(ready: boolean): void {
    if (this.#ready === ready) return;
    this.#ready = ready;
    this.#host.changed();
  }

  /** What a failed liveness or startup probe does: the container ends with its grace, and starts again. */
  async #restart(): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    const kill = setTimeout(() => process.signal('SIGKILL'), 30_000);
    process.signal('SIGTERM');
    await process.ended;
    clearTimeout(kill);
  }

  #stopProbes(): void {
    for (const prober of this.#probers) prober.stop();
    this.#probers = [];
  }

  #wait(reason: string, message: string): void {
    this.#state = { waiting: { reason, message } };
    this.#host.changed();
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => void this.start(), ms);
  }
}
