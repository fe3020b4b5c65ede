import { greeterClient } from './greeter.ts';

/** What the demo's client has seen. */
export interface LoadTally {
  /** Answers by the version in them. */
  readonly answers: Map<string, number>;
  failures: number;
  /** The last failure's words; null when there was none. */
  lastFailure: string | null;
}

/** Calls the Greeter at an even rate until stopped. */
export class Load {
  readonly tally: LoadTally = { answers: new Map(), failures: 0, lastFailure: null };
  readonly #client;
  readonly #timer: NodeJS.Timeout;
  readonly #running = new Set<Promise<void>>();

  /** @param rate calls a second. */
  constructor(target: string, rate: number) {
    this.#client = greeterClient(target);
    const began = performance.now();
    let made = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - began) / 1000) * rate);
      for (; made < due; made++) this.#start();
    }, 10);
  }

  /** Makes no more calls and waits for those that run. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#running);
    this.#client.close();
  }

  #start(): void {
    const call = this.#client.sayHello('world').then(
      (message) => {
        const version = message.split(' ').at(-1) ?? '';
        this.tally.answers.set(version, (this.tally.answers.get(version) ?? 0) + 1);
      },
      (error: Error) => {
        this.tally.failures++;
        this.tally.lastFailure = error.message;
      },
    );
    this.#running.add(call);
    void call.finally(() => this.#running.delete(call));
  }
}
