import type { ValuePath } from '../../lib/position.ts';
import type { Listener } from '../../model/snapshot.ts';
import type { Host } from '../../resources/ambassador/host.ts';
import type { TlsContextResource } from '../../resources/ambassador/tls-context.ts';
import type { TlsSettings } from '../../resources/ambassador/tls-settings.ts';
import { finding } from '../../resources/issue.ts';
import type { UnitFinding } from '../group.ts';
import type { Unit } from '../unit.ts';
import { virtualHostName } from '../virtual-hosts.ts';
import { contextName, linkedContext } from './contexts.ts';

/** A Secret that is named by an object. */
export interface SecretReference {
  readonly name: string;
  readonly namespace: string;
  /** Where it is named. */
  readonly path: ValuePath;
}

/** A context on its way into the snapshot: what was written, before anything is looked at. */
export interface ContextDraft {
  readonly name: string;
  /** What it is told of. */
  readonly unit: Unit;
  /** Where its hostnames are written. */
  readonly hostnamesAt: ValuePath;
  readonly hostnames: readonly string[];
  readonly virtualHost: string | null;
  /** The Secret with the certificate; null = the files of the settings, or none. */
  readonly secret: SecretReference | null;
  readonly settings: TlsSettings | null;
  /** Unit of the settings, which can be a TLSContext where the draft is a Host's. */
  readonly settingsUnit: Unit;
  /** Makes a reference of the name of a Secret in the settings. */
  readonly refer: (name: string, field: string) => SecretReference;
  /** True if something was found already for which it must not be served. */
  readonly broken: boolean;
}

/** A TLSContext and the unit that it stands in. */
export interface ContextUnit {
  readonly context: TlsContextResource;
  readonly unit: Unit;
}

/** What drafts are made of. */
export interface DraftInput {
  readonly hosts: readonly { readonly host: Host; readonly unit: Unit }[];
  readonly contexts: readonly ContextUnit[];
  /** The Module's tls_secret_namespacing. */
  readonly secretNamespacing: boolean;
}

/** Drafts of all contexts, those that demand client certificates first, then those of Hosts, by name. */
export function makeDrafts(input: DraftInput): { drafts: ContextDraft[]; findings: UnitFinding[] } {
  const findings: UnitFinding[] = [];
  const drafts: ContextDraft[] = [];
  const linked = new Map<TlsContextResource, Host[]>();
  for (const { host, unit } of input.hosts) {
    const draft = hostDraft(host, unit, input, linked, findings);
    if (draft !== null) drafts.push(draft);
  }
  for (const one of input.contexts) drafts.push(contextDraft(one, input, linked, findings));
  const strict = (draft: ContextDraft): number => (draft.settings?.certRequired === true ? 0 : 1);
  // "Host …" sorts before "TLSContext …".
  drafts.sort((a, b) => strict(a) - strict(b) || (a.name < b.name ? -1 : 1));
  return { drafts, findings };
}

function hostDraft(
  host: Host,
  unit: Unit,
  { contexts, secretNamespacing }: DraftInput,
  linked: Map<TlsContextResource, Host[]>,
  findings: UnitFinding[],
): ContextDraft | null {
  const { tls, meta } = host;
  if (tls === null) return null;
  let broken = false;
  const tell = (code: Parameters<typeof finding>[0], field: string, values = {}): void => {
    findings.push({ unit, finding: finding(code, [...tls.at, field], values), kept: false });
  };
  const resources = contexts.map(({ context }) => context);
  const context = linkedContext(host, resources);
  if (tls.context !== null && context === null) {
    tell('host-context-missing', 'tlsContext', { name: tls.context });
    broken = true;
  }
  const namespacing = context?.secretNamespacing ?? secretNamespacing;
  const settings = tls.settings ?? context?.settings ?? null;
  const settingsUnit = contexts.find((one) => one.context === context)?.unit ?? unit;
  let secret: SecretReference | null = null;
  if (tls.secret !== null) {
    const { name, namespace } = tls.secret;
    secret = { name, namespace: namespace ?? meta.namespace, path: [...tls.at, 'tlsSecret', 'name'] };
  }
  if (context !== null) {
    linked.set(context, [...(linked.get(context) ?? []), host]);
    const theirs = referenceOf(context, namespacing);
    if (secret !== null && theirs !== null && !isSame(secret, theirs)) {
      tell('host-context-secret', tls.context === null ? 'tlsSecret' : 'tlsContext', {
        name: context.meta.name,
      });
      broken = true;
    }
    secret ??= theirs;
    if (context.hosts.length > 0 && ![host.hostname, meta.name].some((name) => context.hosts.includes(name)))
      tell('host-context-hosts', tls.context === null ? 'tlsSecret' : 'tlsContext', {
        name: context.meta.name,
        hosts: context.hosts.join(', '),
        hostname: host.hostname,
      });
  }
  if (secret === null && settings?.certChainFile == null && !broken) {
    tell('tls-without-certificate', tls.settings === null ? 'tlsContext' : 'tls');
    return null;
  }
  return {
    name: `Host ${virtualHostName(host)}`,
    unit,
    hostnamesAt: [...tls.at, 'hostname'],
    hostnames: [serverName(host.hostname)],
    virtualHost: virtualHostName(host),
    secret,
    settings,
    settingsUnit,
    refer: (name, field) =>
      reference(
        name,
        context !== null && tls.settings === null ? context.meta.namespace : meta.namespace,
        namespacing,
        [...(settings?.at ?? []), field],
      ),
    broken,
  };
}

function contextDraft(
  { context, unit }: ContextUnit,
  { hosts, secretNamespacing }: DraftInput,
  linked: ReadonlyMap<TlsContextResource, readonly Host[]>,
  findings: UnitFinding[],
): ContextDraft {
  const { meta, settings } = context;
  const namespacing = context.secretNamespacing ?? secretNamespacing;
  const users = linked.get(context) ?? [];
  // What Hosts do with it is theirs; `hosts` may name a Host by its name, too.
  const taken = new Set(users.flatMap((host) => [host.meta.name, serverName(host.hostname)]));
  const hostnames = [...new Set(context.hosts.map(serverName))].filter((name) => !taken.has(name));
  const secret = referenceOf(context, namespacing);
  const isTemplate = users.length > 0 && secret === null && settings.certChainFile === null;
  if (settings.redirectsCleartext && hosts.length > 0) {
    const values = { field: 'redirect_cleartext_from', winner: 'requestPolicy of the Hosts' };
    const path = [...settings.at, 'redirect_cleartext_from'];
    findings.push({ unit, finding: finding('overridden-field', path, values), kept: false });
  }
  return {
    name: contextName(context),
    unit,
    hostnamesAt: [...settings.at, 'hosts'],
    hostnames: isTemplate ? [] : hostnames,
    virtualHost: null,
    secret,
    settings,
    settingsUnit: unit,
    refer: (name, field) => reference(name, meta.namespace, namespacing, [...settings.at, field]),
    broken: false,
  };
}

function referenceOf(context: TlsContextResource, namespacing: boolean): SecretReference | null {
  const { secret, meta, settings } = context;
  return secret === null ? null : reference(secret, meta.namespace, namespacing, [...settings.at, 'secret']);
}

/** With namespacing the last dot leads to another namespace: `name.namespace`. Source: IRTLSContext.resolve_secret. */
function reference(written: string, own: string, namespacing: boolean, path: ValuePath): SecretReference {
  const dot = namespacing ? written.lastIndexOf('.') : -1;
  if (dot === -1) return { name: written, namespace: own, path };
  return { name: written.slice(0, dot), namespace: written.slice(dot + 1), path };
}

function isSame(a: SecretReference, b: SecretReference): boolean {
  return a.name === b.name && a.namespace === b.namespace;
}

/** A hostname as SNI has it. */
function serverName(hostname: string): string {
  return hostname.replace(/:\d+$/, '').toLowerCase();
}

/** Takes hostnames away that an earlier draft has on the same listener, with a warning for each. */
export function settleHostnames(
  drafts: readonly ContextDraft[],
  listeners: readonly Listener[],
): { drafts: ContextDraft[]; findings: UnitFinding[] } {
  const findings: UnitFinding[] = [];
  const owners = new Map<string, ContextDraft[]>();
  const settled = drafts.map((draft) => {
    const hostnames = draft.hostnames.filter((hostname) => {
      const others = owners.get(hostname) ?? [];
      const other = others.find((one) => meet(one, draft, listeners));
      if (other === undefined) {
        owners.set(hostname, [...others, draft]);
        return true;
      }
      const values = { hostname, other: other.name };
      findings.push({
        unit: draft.unit,
        finding: finding('tls-hostname-taken', draft.hostnamesAt, values),
        kept: false,
      });
      return false;
    });
    return hostnames.length === draft.hostnames.length ? draft : { ...draft, hostnames };
  });
  return { drafts: settled, findings };
}

function meet(a: ContextDraft, b: ContextDraft, listeners: readonly Listener[]): boolean {
  const offers = (draft: ContextDraft, { virtualHosts }: Listener): boolean =>
    draft.virtualHost === null || virtualHosts === null || virtualHosts.includes(draft.virtualHost);
  // A port of TCPMappings offers everything, and must not set Hosts at odds that no other listener brings together.
  return listeners.some(
    (listener) => listener.protocol !== 'tcp' && offers(a, listener) && offers(b, listener),
  );
}
