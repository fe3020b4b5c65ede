import type { ServiceEndpoints } from '../model/endpoints.ts';
import { defaultHttpSettings } from '../model/http-settings.ts';
import { type EndpointsPatch, emptySnapshot, type Snapshot, type SnapshotPatch } from '../model/snapshot.ts';
import type { ReadContext } from '../resources/context.ts';
import type { Issue } from '../resources/issue.ts';
import type { CanaryOverlay } from '../resources/serin/canary.ts';
import { applyRoutes, type RouteChanges } from './apply-routes.ts';
import {
  type CanaryState,
  type CanarySurroundings,
  canaryFinding,
  canaryStates,
} from './canaries/canary-state.ts';
import { CanaryTable } from './canaries/canary-table.ts';
import { type SplitState, splitStates } from './canaries/split-state.ts';
import { EndpointIndex } from './endpoint-index.ts';
import { type FileState, readFileState, readObjectState } from './file-state.ts';
import { type Globals, gatherGlobals, isGlobal } from './globals.ts';
import type { GroupContext, UnitFinding } from './group.ts';
import { GroupTable } from './group-table.ts';
import { affectedGroups, type InvalidationRule, invalidationRules, type UnitChange } from './invalidation.ts';
import { NameTable } from './name-table.ts';
import { makeIssues } from './report.ts';
import type { EndpointRules } from './service-endpoints.ts';
import { ServiceTable } from './service-table.ts';
import { type PlacedTcp, placeTcp } from './tcp/place-tcp.ts';
import { TcpTable } from './tcp/tcp-table.ts';
import type { CertificateChecker, ExternalFiles } from './tls/certificate-checker.ts';
import { TlsTable } from './tls/tls-table.ts';
import { compareUnits, type Unit } from './unit.ts';
import { type ListenAddress, makeListeners, makeVirtualHosts } from './virtual-hosts.ts';

/** What the command line says about compiling. */
export interface CompilerOptions extends EndpointRules {
  /** Whose objects are read; others' are skipped. */
  readonly ambassadorIds: readonly string[];
  /** Replaces the ports of all Listeners (not of TCPMappings); empty: those of the Listeners, or 127.0.0.1:8080 (in a cluster port 8080 of `bind`) where there is none. */
  readonly listen: readonly ListenAddress[];
  /** Address of listeners that name none (--bind). */
  readonly bind: string;
  /** Serve routes whose guards are not served. */
  readonly unguarded: boolean;
  /** A Mapping joins only groups of its own namespace. */
  readonly isolateNamespaces: boolean;
  /** Certificates of all upstreams are verified, with their names. */
  readonly verifyUpstreams: boolean;
  /** Looks at certificates. */
  readonly certificates: CertificateChecker;
  /** Reads files that manifests name. */
  readonly files: ExternalFiles;
  /** Only to warn of `$VAR`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A file as it is now: its text, or null when it is gone. With `unreadable` its last content stays in force. */
export interface FileInput {
  readonly path: string;
  readonly text: string | null;
  /** Why it cannot be read. */
  readonly unreadable?: string;
  /** True for a file that a manifest names: it is no manifest, and `files` has its content. */
  readonly external?: true;
}

/** An object of a cluster as it is now, or null when it is gone. */
export interface ObjectInput {
  /** What it is called as the file of an issue: `Service quote.default`. */
  readonly path: string;
  readonly object: Readonly<Record<string, unknown>> | null;
}

/** What the compiler is told of. */
export type CompilerInput = FileInput | ObjectInput;

/** What a set of files, or the objects of a cluster, mean. */
export interface Compilation {
  readonly snapshot: Snapshot;
  readonly patch: SnapshotPatch;
  readonly services: ReadonlyMap<string, ServiceEndpoints>;
  readonly endpointsPatch: EndpointsPatch;
  readonly issues: readonly Issue[];
  readonly counts: { readonly documents: number; readonly mappings: number; readonly skipped: number };
}

/**
 * Compiles files to a snapshot, incrementally: a document is read anew only if its text changed, a group compiled
 * anew only if one of its members did. What comes out equals a compile of all files from scratch, except that a
 * document or group that was good and is broken now keeps its last good state.
 */
export class Compiler {
  readonly #options: CompilerOptions;
  readonly #rules: readonly InvalidationRule[];
  readonly #context: ReadContext;
  readonly #files = new Map<string, FileState>();
  readonly #unreadable = new Map<string, string>();
  readonly #names = new NameTable();
  readonly #groups = new GroupTable();
  readonly #tcp = new TcpTable();
  readonly #canaries: CanaryTable;
  #placingFindings: readonly UnitFinding[] = [];
  readonly #index = new EndpointIndex();
  readonly #services: ServiceTable;
  readonly #tls: TlsTable;
  readonly #globalUnits = new Set<Unit>();
  #globals: Globals = gatherGlobals([]);
  #snapshot: Snapshot = emptySnapshot;
  readonly #counts = { documents: 0, mappings: 0, skipped: 0 };
  /** Issues of the last state. */
  #unread: () => readonly Issue[] = () => [];

  /** `rules` is for tests only: see {@link invalidationRules}. */
  constructor(options: CompilerOptions, rules: readonly InvalidationRule[] = invalidationRules) {
    this.#options = options;
    this.#rules = rules;
    this.#context = { ambassadorIds: options.ambassadorIds, environment: options.environment };
    this.#services = new ServiceTable(options, this.#index);
    this.#canaries = new CanaryTable(options.isolateNamespaces);
    this.#tls = new TlsTable(options.certificates, options.files);
  }

  /** Takes over what has changed and returns what all of it means now. What is not named stays as it is. */
  update(inputs: readonly CompilerInput[]): Compilation {
    const quiet = this.#isQuiet(inputs);
    // Those of the state that ends here, if nobody has read them.
    if (!quiet) this.#unread();
    const changes = this.#takeOver(inputs);
    const globalsChanged = this.#applyObjects(changes);
    const context = this.#groupContext();
    const canaries = this.#canaries.takeTouched();
    const dirty = affectedGroups(
      this.#regroup(changes, globalsChanged, context),
      globalsChanged,
      canaries,
      this.#groups,
      context,
      this.#rules,
    );
    const routes = this.#compileGroups(dirty, context);
    const tcpChanged = this.#tcp.compile(context, globalsChanged || canaries !== null, (before, after) => {
      for (const service of after) this.#services.count(service, 1);
      for (const service of before) this.#services.count(service, -1);
    });
    const { snapshot, patch } = this.#publish(routes, globalsChanged, tcpChanged);
    const { services, patch: endpointsPatch } = this.#services.refresh();
    if (!quiet) this.#unread = this.#issuesWhenRead();
    const issues = this.#unread;
    return {
      snapshot,
      patch,
      services,
      endpointsPatch,
      counts: { ...this.#counts },
      get issues() {
        return issues();
      },
    };
  }

  /** Secrets (`namespace/name`) that some object refers to, there or not. */
  get secretsNamed(): ReadonlySet<string> {
    return this.#tls.secretsNamed;
  }

  /** Issues as of now, put together when they are read: what is served need not wait for ten thousand warnings. */
  #issuesWhenRead(): () => readonly Issue[] {
    let made: readonly Issue[] | null = null;
    return () => {
      made ??= makeIssues(
        this.#files.values(),
        this.#names,
        [
          ...this.#groups.findings(),
          ...this.#tcp.findings(),
          ...this.#placingFindings,
          ...this.#tls.findings(),
          ...this.#canaryFindings(),
        ],
        this.#unreadable,
        [...this.#globalUnits],
        {
          tcpPorts: new Set(this.#snapshot.tcpRoutes.map(({ port }) => port)),
          unguarded: this.#options.unguarded,
          replacesPorts: this.#options.listen.length > 0,
        },
      );
      return made;
    };
  }

  /** The file, or object of a cluster, that a Mapping or TCPMapping (`name.namespace`) stands in; null where there is none. */
  fileOfMapping(mapping: string): string | null {
    // Names can have dots, namespaces cannot.
    const dot = mapping.lastIndexOf('.');
    const [name, namespace] = [mapping.slice(0, dot), mapping.slice(dot + 1)];
    for (const kind of ['Mapping', 'TCPMapping']) {
      const unit = this.#names.winner(`${kind}/${namespace}/${name}`);
      if (unit !== null) return unit.file;
    }
    return null;
  }

  /** What has become of the Canaries, as of now. */
  canaries(): CanaryState[] {
    return canaryStates(this.#canaries, this.#around());
  }

  /** All weights that commands can set. */
  splits(): SplitState[] {
    const members = [...this.#groups.members(), ...this.#tcp.members()];
    return splitStates(this.canaries(), members, this.#canaries);
  }

  /** All of them while a command has set any, else none: {@link splits} looks at every Mapping. */
  overlaidSplits(): SplitState[] {
    return this.#canaries.hasOverlays ? this.splits() : [];
  }

  /** What commands have set outside of a cluster, by overlayKey; takes effect with the next update. */
  setOverlays(overlays: ReadonlyMap<string, CanaryOverlay>): void {
    this.#canaries.setOverlays(overlays);
  }

  *#canaryFindings(): Generator<UnitFinding> {
    const around = this.#around();
    for (const { active, older } of this.#canaries.all()) {
      const found = canaryFinding(active, older, around);
      if (found !== null) yield { unit: active.unit, finding: found, kept: false };
    }
  }

  #around(): CanarySurroundings {
    return {
      index: this.#index,
      hasMapping: (name) => this.#groups.hasMapping(name) || this.#tcp.hasMapping(name),
      isRouted: (place) => this.#services.isNamed(place),
      inCluster: this.#options.inCluster,
      isShutOut: (canary) => this.#canaries.isShutOut(canary),
    };
  }

  /** True where only endpoints change, as they do all the time: of them there is nothing to say. */
  #isQuiet(inputs: readonly CompilerInput[]): boolean {
    return inputs.every((input) => {
      if (!('object' in input)) return false;
      const kind =
        input.object?.kind ?? this.#files.get(input.path)?.documents[0]?.units[0]?.object.resource?.kind;
      return typeof kind === 'string' && quietKinds.has(kind);
    });
  }

  /** Reads what has changed; returns which units come into force and which go, by file and by the rule of names. */
  #takeOver(inputs: readonly CompilerInput[]): UnitChange[] {
    const changes: UnitChange[] = [];
    const identities = new Set<string>();
    const nameless = (unit: Unit): boolean => unit.object.identity === null || unit.object.resource === null;
    for (const input of inputs) {
      const { path } = input;
      const before = this.#files.get(path) ?? null;
      const after = this.#read(input, before);
      if (after === before) continue;
      if (after === null) this.#files.delete(path);
      else this.#files.set(path, after);
      this.#recount(before, -1);
      this.#recount(after, 1);
      const old = unitsOf(before);
      const now = unitsOf(after);
      const staying = new Set(now);
      const known = new Set(old);
      for (const unit of old) {
        if (unit.object.identity !== null) identities.add(unit.object.identity);
        if (staying.has(unit)) continue;
        this.#names.change(unit, false);
        if (nameless(unit)) changes.push({ unit, kind: 'goes' });
      }
      for (const unit of now) {
        if (unit.object.identity !== null) identities.add(unit.object.identity);
        if (known.has(unit)) continue;
        this.#names.change(unit, true);
        if (nameless(unit)) changes.push({ unit, kind: 'comes' });
      }
    }
    for (const identity of identities) {
      const settled = this.#names.settle(identity);
      if (settled?.lost) changes.push({ unit: settled.lost, kind: 'goes' });
      if (settled?.gained) changes.push({ unit: settled.gained, kind: 'comes' });
    }
    return changes;
  }

  /** The state that an input leads to: the one before, where it does not change what is read. */
  #read(input: CompilerInput, before: FileState | null): FileState | null {
    const { path } = input;
    if ('object' in input) {
      return input.object === null ? null : readObjectState(path, input.object, before, this.#context);
    }
    if (input.external) {
      this.#tls.filesChanged();
      return before;
    }
    if (input.unreadable !== undefined) {
      this.#unreadable.set(path, input.unreadable);
      return before;
    }
    this.#unreadable.delete(path);
    return input.text === null ? null : readFileState(path, input.text, before, this.#context);
  }

  #recount(file: FileState | null, sign: 1 | -1): void {
    if (file === null) return;
    this.#counts.documents += sign * file.counts.documents;
    this.#counts.mappings += sign * file.counts.mappings;
    this.#counts.skipped += sign * file.counts.skipped;
  }

  /** Brings the tables of objects up to date; true if an object changed on which all groups depend. */
  #applyObjects(changes: readonly UnitChange[]): boolean {
    let globalsChanged = false;
    for (const { unit, kind } of changes) {
      for (const place of this.#index.change(unit, kind === 'comes')) this.#services.touch(place);
      this.#tls.change(unit, kind === 'comes');
      this.#tcp.change(unit, kind === 'comes');
      this.#canaries.change(unit, kind === 'comes');
      if (!isGlobal(unit)) continue;
      globalsChanged = true;
      if (kind === 'comes') this.#globalUnits.add(unit);
      else this.#globalUnits.delete(unit);
    }
    if (globalsChanged) this.#globals = gatherGlobals([...this.#globalUnits].sort(compareUnits));
    return globalsChanged;
  }

  /** When a global object changes, a Mapping can belong to other Hosts: then it moves to another group. */
  #regroup(
    changes: readonly UnitChange[],
    globalsChanged: boolean,
    context: GroupContext,
  ): readonly UnitChange[] {
    if (!globalsChanged) return changes;
    const all = [...changes];
    const done = new Set(changes.map(({ unit }) => unit));
    for (const unit of this.#groups.movable(context)) {
      if (!done.has(unit)) all.push({ unit, kind: 'goes' }, { unit, kind: 'comes' });
    }
    return all;
  }

  #groupContext(): GroupContext {
    const { unguarded, isolateNamespaces, verifyUpstreams } = this.#options;
    const [globals, canaries] = [this.#globals, this.#canaries];
    return { globals, canaries, unguarded, isolateNamespaces, verifyUpstreams };
  }

  #compileGroups(dirty: ReadonlySet<string>, context: GroupContext): RouteChanges {
    const changes: RouteChanges = { set: [], delete: [] };
    for (const key of dirty) {
      const { before, after } = this.#groups.compile(key, context);
      for (const service of after?.services ?? []) this.#services.count(service, 1);
      for (const service of before?.services ?? []) this.#services.count(service, -1);
      for (const route of after?.routes ?? []) changes.set.push(route);
      for (const { id } of before?.routes ?? [])
        if (!after?.routes.some((route) => route.id === id)) changes.delete.push(id);
    }
    return changes;
  }

  #publish(
    routes: RouteChanges,
    globalsChanged: boolean,
    tcpChanged: boolean,
  ): { snapshot: Snapshot; patch: SnapshotPatch } {
    const { hosts, tlsContexts, module, addressRules } = this.#globals;
    const heads = this.#snapshot.revision === 0 || globalsChanged;
    const certificates = this.#tls.prepare();
    const placed = heads || tcpChanged ? this.#place() : null;
    if (placed !== null) this.#placingFindings = placed.findings;
    const listeners = placed?.listeners ?? null;
    const result = applyRoutes(this.#snapshot, routes, {
      listeners,
      virtualHosts: heads ? makeVirtualHosts(hosts, tlsContexts, module?.redirectsInsecure ?? false) : null,
      tcpRoutes: placed?.routes ?? null,
      tlsContexts:
        placed !== null || certificates ? this.#tls.refresh(listeners ?? this.#snapshot.listeners) : null,
      http: heads ? { ...(module?.http ?? defaultHttpSettings), addressRules } : null,
    });
    this.#snapshot = result.snapshot;
    return result;
  }

  #place(): PlacedTcp {
    const { hosts, listeners, module } = this.#globals;
    const { terminates } = this.#tls;
    const { listen, inCluster, bind } = this.#options;
    const fallback = { address: inCluster ? bind : '127.0.0.1', port: 8080 };
    const http = makeListeners(listeners, hosts, listen, fallback, terminates, module);
    return placeTcp(this.#tcp.compiled(), http, listeners, this.#options.bind);
  }
}

/** Kinds of objects that only endpoints are made of. */
const quietKinds: ReadonlySet<string> = new Set(['Pod', 'EndpointSlice', 'ReplicaSet']);

function unitsOf(file: FileState | null): Unit[] {
  return file === null ? [] : file.documents.flatMap(({ units }) => units);
}
