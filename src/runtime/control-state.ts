import {
  type ErrorsReport,
  type RoutesReport,
  routesReport,
  type ServicesReport,
  type SplitChangeReport,
  type SplitsReport,
  servicesReport,
} from '../admin/reports.ts';
import type { AdminState, Readiness } from '../admin/state.ts';
import type { CanaryState } from '../compiler/canaries/canary-state.ts';
import type { SplitState } from '../compiler/canaries/split-state.ts';
import type { Compilation } from '../compiler/compiler.ts';
import type { ClusterProblem } from '../kubernetes/problems.ts';
import type { MetricsInput } from '../metrics/families.ts';
import { MergedMetrics } from '../metrics/merged-metrics.ts';
import { ObservedShares } from '../metrics/observed-shares.ts';
import { RateWindow } from '../metrics/rates.ts';
import { type SplitWeight, splitWeights } from '../metrics/weights.ts';
import type { ServiceEndpoints } from '../model/endpoints.ts';
import { emptySnapshot, type Snapshot } from '../model/snapshot.ts';
import type { Issue } from '../resources/issue.ts';
import type { SplitCommand } from '../resources/serin/overlay.ts';
import { callsOfCanaries } from './canary-calls.ts';
import type { EndpointTable } from './endpoint-table.ts';
import type { ToControl } from './messages.ts';
import type { WorkerFeed } from './worker-feed.ts';

/** Window of the rates in the API, in milliseconds. */
const RATE_WINDOW_MS = 10_000;

/** Window of the shares that Canaries show, in milliseconds. */
const OBSERVED_MS = 60_000;

/** The weights that commands can set, and who obeys. */
export interface SplitCommands {
  splits(): readonly SplitState[];
  obey(name: string, command: SplitCommand, by: string): Promise<SplitChangeReport>;
}

/** What the control process knows, as the admin server shows it. */
export class ControlState implements AdminState {
  readonly merged: MergedMetrics;
  /** The last compile; null before the first. */
  compilation: Compilation | null = null;
  /** The ports are open. */
  listening = false;
  /** The last snapshot of another life, while it is what is served, for the cluster is not reached. */
  restored: Snapshot | null = null;
  /** True from the signal on. */
  draining = false;
  readonly #begin: Extract<ToControl, { type: 'begin' }>;
  readonly #feed: WorkerFeed;
  readonly #table: EndpointTable;
  readonly #commands: SplitCommands;
  /** What is wrong with the source of the configuration. */
  readonly #problems: () => Iterable<ClusterProblem>;
  readonly #rates = new RateWindow(RATE_WINDOW_MS);
  readonly #observed = new ObservedShares(OBSERVED_MS);
  /** Issues of the last compile with their keys; the compiler hands the same objects out again where nothing changed. */
  #told = new Map<Issue, string>();
  /** All workers had the configuration once. */
  #wasComplete = false;

  constructor(
    begin: Extract<ToControl, { type: 'begin' }>,
    feed: WorkerFeed,
    table: EndpointTable,
    problems: () => Iterable<ClusterProblem>,
    commands: SplitCommands,
  ) {
    this.#problems = problems;
    this.#commands = commands;
    this.#begin = begin;
    this.#feed = feed;
    this.#table = table;
    this.merged = new MergedMetrics(begin.options.maxSeries);
    if (begin.kept !== null) this.merged.loadRetired(begin.kept);
  }

  /** What is served; null before the first. */
  get snapshot(): Snapshot | null {
    return this.compilation?.snapshot ?? this.restored;
  }

  /** Ready when the ports are open and every worker has the first complete snapshot; a worker that is being replaced does not change that. */
  readiness(): Readiness {
    if (this.draining) return { ready: false, why: 'shutting down' };
    const { serving } = this.#feed;
    const { workers } = this.#begin.options;
    if (this.snapshot === null) {
      const [problem] = this.#problems();
      return { ready: false, why: problem?.message ?? 'the configuration is being read' };
    }
    if (serving >= workers) this.#wasComplete = true;
    if (serving === 0 || !this.#wasComplete) {
      return { ready: false, why: `${serving} of ${workers} workers have the configuration` };
    }
    if (!this.listening) return { ready: false, why: 'the ports are not open yet' };
    return { ready: true, why: 'ready' };
  }

  /** Takes a sample for the rates. */
  sampleRates(nowMs: number): void {
    this.#rates.sample(nowMs, this.merged.endings());
  }

  /** Issues of the last compile that were not there before it. */
  newIssues(): Issue[] {
    const told = new Map<Issue, string>();
    const others: Issue[] = [];
    for (const issue of this.compilation?.issues ?? []) {
      const key = this.#told.get(issue);
      if (key === undefined) others.push(issue);
      else told.set(issue, key);
    }
    const old = others.length === 0 ? null : new Set(this.#told.values());
    const fresh: Issue[] = [];
    for (const issue of others) {
      const key = `${issue.file} ${issue.line} ${issue.column} ${issue.code} ${issue.message}`;
      if (!old!.has(key)) fresh.push(issue);
      told.set(issue, key);
    }
    this.#told = told;
    return fresh;
  }

  /** Percent of the last minute's calls that each of these Canaries' canaries got, in their order; null where there were none. */
  observedShares(canaries: readonly CanaryState[], nowMs: number): (number | null)[] {
    if (canaries.length === 0) return [];
    const endings = this.merged.endings();
    const weights = this.#weights();
    // Each release has its own counts: those of another one are no base for a difference.
    const names = canaries.map(({ name, namespace, revision }) => `${name}.${namespace} ${revision}`);
    this.#observed.retain(new Set(names));
    return callsOfCanaries(canaries, endings, weights).map((counts, index) => {
      return this.#observed.sample(nowMs, names[index]!, counts);
    });
  }

  metrics(): MetricsInput {
    const { errors, warnings } = this.#count();
    return {
      totals: this.merged.totals(),
      gateway: this.merged.gateway(),
      weights: this.#weights(),
      endpoints: readyEndpoints(this.#table.all().values()),
      configErrors: errors,
      configWarnings: warnings,
      configRevision: this.snapshot?.revision ?? 0,
      workers: this.#feed.workers,
      workerDeaths: this.merged.deaths,
      seriesFolded: this.merged.seriesFolded,
      build: { version: this.#begin.options.version, node: process.version },
      startTime: this.#begin.startedAtMs / 1000,
    };
  }

  routes(): RoutesReport {
    return routesReport(this.snapshot ?? emptySnapshot, this.#weights());
  }

  services(): ServicesReport {
    return servicesReport(this.#table.all(), this.merged.totals(), (labels) => this.#rates.of(labels));
  }

  errors(): ErrorsReport {
    const issues = (this.compilation?.issues ?? []).map((i) => ({
      severity: i.severity,
      code: i.code,
      file: i.file,
      line: i.line,
      column: i.column,
      object: i.object,
      message: i.message,
      help: i.help,
      kept: i.kept,
    }));
    return { ...this.#count(), issues: [...this.#sourceIssues(), ...issues] };
  }

  splits(): SplitsReport {
    return { splits: this.#commands.splits() };
  }

  changeSplit(name: string, command: SplitCommand, by: string): Promise<SplitChangeReport> {
    return this.#commands.obey(name, command, by);
  }

  #sourceIssues(): ErrorsReport['issues'] {
    return [...this.#problems()].map(({ severity, code, message, help }) => {
      return {
        severity,
        code,
        file: 'kubernetes',
        line: 1,
        column: 1,
        object: null,
        message,
        help,
        kept: false,
      };
    });
  }

  #weights(): SplitWeight[] {
    return this.snapshot === null ? [] : splitWeights(this.snapshot, this.#table.all());
  }

  #count(): { errors: number; warnings: number } {
    const issues = [...(this.compilation?.issues ?? []), ...this.#problems()];
    const errors = issues.filter((i) => i.severity === 'error').length;
    return { errors, warnings: issues.length - errors };
  }
}

/** Ready endpoints of each service, over its versions. */
function readyEndpoints(rows: Iterable<ServiceEndpoints>): { service: string; ready: number }[] {
  const sums = new Map<string, number>();
  for (const { service, endpoints } of rows) sums.set(service, (sums.get(service) ?? 0) + endpoints.length);
  return [...sums].map(([service, ready]) => ({ service, ready }));
}
