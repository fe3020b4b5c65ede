import { describe, expect, test } from 'vitest';
import { type AddressRules, closedToAll } from '../model/http-settings.ts';
import { AddressGate } from './address-gate.ts';

const rules = (action: 'allow' | 'deny', peer: string[], remote: string[] = []): AddressRules => {
  return { action, peer, remote };
};

describe('who may call', () => {
  test.each([
    ['allow: who is named', [rules('allow', [], ['192.0.2.0/24'])], '10.0.0.1', '192.0.2.9', true],
    ['allow: who is not', [rules('allow', [], ['192.0.2.0/24'])], '192.0.2.9', '10.0.0.1', false],
    ['allow: one of several is enough', [rules('allow', ['10.0.0.1'], ['::1'])], '10.0.0.1', '1.1.1.1', true],
    ['deny: who is named', [rules('deny', ['10.0.0.0/8'])], '10.0.0.1', '192.0.2.9', false],
    ['deny: who is not', [rules('deny', ['10.0.0.0/8'])], '192.0.2.9', '10.0.0.1', true],
    ['IPv6', [rules('allow', [], ['2001:db8::/32'])], '::1', '2001:db8:1::1', true],
    ['IPv4 in IPv6', [rules('deny', ['10.0.0.0/8'])], '::ffff:10.0.0.1', '1.1.1.1', false],
    ['a zone', [rules('deny', [], ['fe80::/10'])], '::1', 'fe80::1%eth0', false],
    ['nobody', [closedToAll], '127.0.0.1', '127.0.0.1', false],
    ['an address that nobody knows, denied', [rules('deny', ['10.0.0.0/8'])], '', '1.1.1.1', false],
    ['a client that nobody knows, denied', [rules('deny', ['10.0.0.0/8'])], '1.1.1.1', 'unknown', false],
    ['all have to agree', [rules('allow', ['10.0.0.0/8']), closedToAll], '10.0.0.1', '10.0.0.1', false],
  ] as const)('%s', (_, list, peer, remote, may) => {
    expect(new AddressGate(list).admits(peer, remote)).toBe(may);
  });
});
