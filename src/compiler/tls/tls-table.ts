import type { Listener } from '../../model/snapshot.ts';
import type { TlsContext } from '../../model/tls.ts';
import { type Finding, isError } from '../../resources/issue.ts';
import { tlsContextsOf } from '../globals.ts';
import type { UnitFinding } from '../group.ts';
import { compareUnits, resourceOf, type Unit } from '../unit.ts';
import type { CertificateChecker, ExternalFiles } from './certificate-checker.ts';
import { contextName } from './contexts.ts';
import { type ContextDraft, type ContextUnit, makeDrafts, settleHostnames } from './drafts.ts';
import { makeContext } from './make-context.ts';
import { MaterialReader } from './material.ts';

/** Kinds of objects from which contexts are made. */
const kinds: readonly string[] = ['Secret', 'Host', 'TLSContext', 'TlsModule', 'Module'];

/** The snapshot's TLS contexts, kept as objects come and go. Some hundred rows are made anew in a millisecond. */
export class TlsTable {
  readonly #checker: CertificateChecker;
  readonly #reader: MaterialReader;
  readonly #units = new Set<Unit>();
  readonly #secrets = new Map<string, Unit>();
  #dirty = true;
  #drafts: readonly ContextDraft[] = [];
  #draftFindings: readonly UnitFinding[] = [];
  #findings: readonly UnitFinding[] = [];
  #rows: ReadonlyMap<string, TlsContext> = new Map();

  constructor(checker: CertificateChecker, files: ExternalFiles) {
    this.#checker = checker;
    this.#reader = new MaterialReader(checker, files);
  }

  /** Adds or removes an object. */
  change(unit: Unit, add: boolean): void {
    const { resource } = unit.object;
    if (resource === null || !kinds.includes(resource.kind)) return;
    this.#dirty = true;
    if (resource.kind === 'Secret') {
      const key = `${resource.meta.namespace}/${resource.meta.name}`;
      if (add) this.#secrets.set(key, unit);
      else if (this.#secrets.get(key) === unit) this.#secrets.delete(key);
    } else if (add) this.#units.add(unit);
    else this.#units.delete(unit);
  }

  /** A file that a manifest names has another content. */
  filesChanged(): void {
    this.#dirty = true;
  }

  /** Takes stock of what has changed; true if {@link refresh} is needed. */
  prepare(): boolean {
    if (!this.#dirty) return false;
    this.#dirty = false;
    const units = [...this.#units].sort(compareUnits);
    const modules = units.map((unit) => resourceOf(unit, 'Module')).filter((module) => module !== null);
    const { drafts, findings } = makeDrafts({
      hosts: units.flatMap((unit) => {
        const host = resourceOf(unit, 'Host');
        return host === null ? [] : [{ host, unit }];
      }),
      contexts: uniqueContexts(units),
      secretNamespacing: modules.at(-1)?.secretNamespacing ?? true,
    });
    this.#drafts = drafts;
    this.#draftFindings = findings;
    return true;
  }

  /** True if TLS is to be terminated for some hostname, whether that is possible or not. */
  get terminates(): boolean {
    return this.#drafts.some(({ hostnames }) => hostnames.length > 0);
  }

  /** Makes all rows anew. */
  refresh(listeners: readonly Listener[]): readonly TlsContext[] {
    const settled = settleHostnames(this.#drafts, listeners);
    const rows = new Map<string, TlsContext>();
    const told = new Map<Finding, UnitFinding>();
    this.#reader.begin(this.#secrets);
    for (const draft of settled.drafts) {
      const made = makeContext(draft, this.#rows.get(draft.name) ?? null, this.#reader, this.#checker);
      rows.set(draft.name, made.context);
      // Two hosts with one broken Secret hear of it once.
      for (const [unit, found] of made.findings) {
        const kept = isError(found) && (made.kept || told.get(found)?.kept === true);
        told.set(found, { unit, finding: found, kept });
      }
    }
    this.#reader.end();
    this.#rows = rows;
    this.#findings = [...this.#draftFindings, ...settled.findings, ...told.values()];
    return [...rows.values()];
  }

  /** Secrets (`namespace/name`) that some context needs, there or not. */
  get secretsNamed(): ReadonlySet<string> {
    return this.#reader.named;
  }

  /** Findings of the last refresh. */
  findings(): readonly UnitFinding[] {
    return this.#findings;
  }
}

/** One of each name and namespace: a TLSContext wins over a Module's. */
function uniqueContexts(units: readonly Unit[]): ContextUnit[] {
  const all = new Map<string, ContextUnit>();
  for (const unit of units) {
    for (const context of tlsContextsOf(unit)) {
      const name = contextName(context);
      if (!all.has(name) || unit.object.resource?.kind === 'TLSContext') all.set(name, { context, unit });
    }
  }
  return [...all.values()];
}
