import { networkInterfaces } from 'node:os';
import { CidrSet, parseAddress, parseCidr } from '../lib/cidr.ts';

/** Addresses that mean the machine itself or its link: loopback, link-local (cloud metadata), unspecified. */
const local = ['127.0.0.0/8', '::1', '169.254.0.0/16', 'fe80::/10', '0.0.0.0/8', '::'];

/**
 * Says why an address may not be a backend; null = it may. In a cluster any tenant can write `service: 127.0.0.1:8877`, so
 * loopback, link-local and the gateway's own addresses are refused unless `allowed` (CIDRs of --allow-backend) has them.
 */
export function refusedBackends(
  allowed: readonly string[],
  own: readonly string[] = ownAddresses(),
): (address: string) => string | null {
  const closed = setOf([...local, ...own]);
  const open = setOf(allowed);
  return (text) => {
    // What resolvers and slices give can carry a zone.
    const address = parseAddress(text.replace(/%.*$/, ''));
    if (address === null || !closed.has(address) || open.has(address)) return null;
    return `${text} is refused as a backend: it is loopback, link-local or the gateway's own; --allow-backend ${text} permits it`;
  };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}

function setOf(ranges: readonly string[]): CidrSet {
  return new CidrSet(ranges.map(parseCidr).filter((range) => typeof range !== 'string'));
}
