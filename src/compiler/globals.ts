import { type AddressRules, closedToAll } from '../model/http-settings.ts';
import type { Guard } from '../resources/ambassador/guard.ts';
import type { Host } from '../resources/ambassador/host.ts';
import type { ListenerResource } from '../resources/ambassador/listener.ts';
import type { ModuleResource } from '../resources/ambassador/module.ts';
import type { TlsContextResource } from '../resources/ambassador/tls-context.ts';
import { resourceOf, type Unit } from './unit.ts';

/** The few objects on which every route may depend. When one of them changes, all groups are compiled anew. */
export interface Globals {
  readonly hosts: readonly Host[];
  readonly listeners: readonly ListenerResource[];
  readonly guards: readonly Guard[];
  /** TLSContexts, and what stands for one in Modules. */
  readonly tlsContexts: readonly TlsContextResource[];
  readonly module: ModuleResource | null;
  /** Of all Modules, also of those that another one stands behind, and of broken ones: each of them has to let a call through. */
  readonly addressRules: readonly AddressRules[];
}

/** Kinds of the objects above. */
const globalKinds: readonly string[] = ['Host', 'Listener', 'Guard', 'TLSContext', 'TlsModule', 'Module'];

/** True if a unit is, or should be, one of the objects on which every route depends. */
export function isGlobal(unit: Unit): boolean {
  const { resource, recovered } = unit.object;
  if (recovered?.kind === 'Guard' || recovered?.kind === 'AddressRules') return true;
  return resource !== null && globalKinds.includes(resource.kind);
}

/** Gathers the global objects, in the order of files and places. */
export function gatherGlobals(units: readonly Unit[]): Globals {
  const hosts: Host[] = [];
  const listeners: ListenerResource[] = [];
  const guards: Guard[] = [];
  const tlsContexts: TlsContextResource[] = [];
  const addressRules: AddressRules[] = [];
  let module: ModuleResource | null = null;
  for (const unit of units) {
    push(hosts, resourceOf(unit, 'Host'));
    push(listeners, resourceOf(unit, 'Listener'));
    push(guards, resourceOf(unit, 'Guard') ?? brokenGuard(unit));
    tlsContexts.push(...tlsContextsOf(unit));
    module = resourceOf(unit, 'Module') ?? module;
    addressRules.push(...(resourceOf(unit, 'Module')?.http.addressRules ?? brokenRules(unit)));
  }
  return { hosts, listeners, guards, tlsContexts, module, addressRules };
}

/** The TLSContexts that a unit stands for. */
export function tlsContextsOf(unit: Unit): readonly TlsContextResource[] {
  const { resource } = unit.object;
  if (resource?.kind === 'TLSContext') return [resource];
  if (resource?.kind === 'TlsModule') return resource.contexts;
  return resource?.kind === 'Module' ? (resource.tls?.contexts ?? []) : [];
}

/** A guard that cannot be read guards everything: a typo must not open a door. */
function brokenGuard(unit: Unit): Guard | null {
  const { recovered, label } = unit.object;
  if (recovered?.kind !== 'Guard') return null;
  const meta = { name: label ?? recovered.guardKind, namespace: '', labels: {}, created: null };
  return { kind: 'Guard', guardKind: recovered.guardKind, meta, parts: [{ host: '*', path: '*' }] };
}

/** Rules about who may call that cannot be read let nobody in. */
function brokenRules(unit: Unit): readonly AddressRules[] {
  return unit.object.recovered?.kind === 'AddressRules' ? [closedToAll] : [];
}

function push<T>(list: T[], item: T | null): void {
  if (item !== null) list.push(item);
}
