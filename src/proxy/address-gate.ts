import { CidrSet, parseAddress, parseCidr } from '../lib/cidr.ts';
import type { AddressRules } from '../model/http-settings.ts';
import { plainAddress } from './transport/early-socket.ts';

interface Rule {
  readonly allows: boolean;
  readonly peer: CidrSet;
  readonly remote: CidrSet;
}

/** Who may call, by address: the Module's ip_allow and ip_deny. What cannot be told is refused. */
export class AddressGate {
  readonly #rules: readonly Rule[];

  /** Each of the rules has to let a call through. */
  constructor(rules: readonly AddressRules[]) {
    this.#rules = rules.map(({ action, peer, remote }) => {
      return { allows: action === 'allow', peer: setOf(peer), remote: setOf(remote) };
    });
  }

  /** @param peer the address of the connection's other end. @param remote the client's, after the proxies that are believed. */
  admits(peer: string, remote: string): boolean {
    const direct = parseAddress(plainAddress(peer));
    const client = parseAddress(plainAddress(remote));
    if (direct === null || client === null) return false;
    return this.#rules.every((rule) => {
      return (rule.peer.has(direct) || rule.remote.has(client)) === rule.allows;
    });
  }
}

function setOf(ranges: readonly string[]): CidrSet {
  return new CidrSet(ranges.map(parseCidr).filter((range) => typeof range !== 'string'));
}
