import { goReads } from '../support/http1-go.ts';
import { llhttpReads } from '../support/llhttp.ts';
import { readAnswers } from './http1-answers.ts';
import { difference, originForm, type PeerConnection, plainDifference } from './http1-compare.ts';
import { type ReadConnection, type ReadMessage, readConnection } from './http1-support.ts';

/** What llhttp and Go made of the same connections, counted. */
export interface Tally {
  /** Connections that were read, and those of them that Serin refused. */
  connections: number;
  refused: number;
  /** Messages that were compared as they came, and as Serin wrote them. */
  llhttpRaw: number;
  llhttpWritten: number;
  goRaw: number;
  goWritten: number;
  /** What Serin accepts as it came and a peer refuses, by the peer's rule. */
  readonly accepted: Map<string, number>;
  /** Written messages that a peer refuses by a rule of its own, by rule. */
  readonly peerRules: Map<string, number>;
  /** Connections that both peers take to their end and read alike and Serin refuses, by Serin's rule. */
  readonly rules: Map<string, number>;
}

/** One with nothing in it. */
export function newTally(): Tally {
  return {
    connections: 0,
    refused: 0,
    llhttpRaw: 0,
    llhttpWritten: 0,
    goRaw: 0,
    goWritten: 0,
    accepted: new Map(),
    peerRules: new Map(),
    rules: new Map(),
  };
}

const count = (counts: Map<string, number>, name: string): void =>
  void counts.set(name, (counts.get(name) ?? 0) + 1);

/** How the three read connections of a kind. */
export interface Readers {
  ours(bytes: Buffer): ReadConnection;
  llhttp(bytes: Buffer): PeerConnection;
  /** What came (latin1) and llhttp is known to read otherwise than the specification has it. */
  readonly llhttpDeviates: RegExp | null;
  go(connections: readonly Buffer[]): PeerConnection[];
  /** What a peer refuses of what is written that is none of framing, and the name of its rule. */
  readonly peerRules: readonly (readonly [rule: string, error: RegExp])[];
}

/** Go takes targets apart (net/url), and has a list of names that Trailer may not hold; llhttp knows some methods only. */
export const requestReaders: Readers = {
  ours: (bytes) => readConnection(bytes),
  llhttp: (bytes) => llhttpReads(bytes),
  llhttpDeviates: null,
  go: (connections) => goReads(connections),
  peerRules: [
    ['Go: the target has a % without two digits', /^parse ".*": invalid URL escape /],
    ['Go: the target of CONNECT is no URL', /^parse ".*": (?:invalid|missing) /],
    ['Go: Trailer names a field of framing', /^bad trailer key /],
    ['llhttp: it does not know the method', /^HPE_INVALID_METHOD$/],
  ],
};

/**
 * Where llhttp reads answers otherwise than the specification, and Go as it is: white space behind a transfer coding is
 * a tab, too (RFC 9110 5.6.3; in requests llhttp refuses it), and no 1xx has a body, whatever its fields say
 * (RFC 9112 6.3; llhttp knows 100 and 101 only).
 */
const llhttpDeviates =
  /^transfer-encoding:.*\t[ \t]*\r$|HTTP\/1\.[01] 1\d\d(?:(?!\r\n\r\n)[\s\S])*\n(?:content-length|transfer-encoding):/im;

/** Answers to requests with this method. */
export function answerReaders(method: string): Readers {
  return {
    ours: (bytes) => readAnswers(bytes, method),
    llhttp: (bytes) => llhttpReads(bytes, method),
    llhttpDeviates,
    go: (connections) => goReads(connections, method),
    peerRules: [['Go: Trailer names a field of framing', /^bad trailer key /]],
  };
}

/**
 * Reads the connections with Serin, llhttp and Go, throws at the first difference that could be one in the life of a
 * gateway, and counts the rest: what Serin accepts, the peers must read as the same as it came and as it is written.
 */
export function differential(connections: readonly Buffer[], readers: Readers, tally: Tally): void {
  const ours = connections.map((bytes) => readers.ours(bytes));
  const asked: Buffer[] = [...connections];
  for (const { messages } of ours) {
    for (const { written } of messages) asked.push(written);
    if (messages.length > 1) asked.push(Buffer.concat(messages.map(({ written }) => written)));
  }
  const answers = readers.go(asked);
  let next = connections.length;
  for (const [i, bytes] of connections.entries()) {
    const mine = ours[i]!;
    const more = mine.messages.length > 1 ? 1 : 0;
    const written = answers.slice(next, next + mine.messages.length + more);
    next += written.length;
    try {
      tally.connections++;
      const llhttp = readers.llhttpDeviates?.test(bytes.toString('latin1'))
        ? { messages: [], error: 'another reading than the specification has' }
        : readers.llhttp(bytes);
      compareRaw(mine, llhttp, answers[i]!, tally);
      compareWritten(mine, written, readers, tally);
    } catch (error) {
      throw new Error(
        `${(error as Error).message}\n${JSON.stringify(bytes.toString('latin1'))}\nours: ${JSON.stringify(mine.messages)} ${mine.problem}`,
        { cause: error },
      );
    }
  }
}

/** The bytes as they came. */
function compareRaw(ours: ReadConnection, llhttp: PeerConnection, go: PeerConnection, tally: Tally): void {
  for (const [name, peer] of [
    ['llhttp', llhttp],
    ['Go', go],
  ] as const) {
    for (const [i, message] of ours.messages.entries()) {
      const theirs = peer.messages[i];
      if (theirs === undefined) {
        // Go's errors quote what they are about.
        if (peer.error !== '') count(tally.accepted, `${name}: ${peer.error.replace(/".*/s, '…')}`);
        break;
      }
      if (message.method === 'CONNECT') break;
      const why = difference(message, theirs, false);
      if (why !== '') throw new Error(`${name} reads another message ${i}: ${why}`);
      if (name === 'Go') tally.goRaw++;
      else tally.llhttpRaw++;
    }
    if (ours.complete && peer.messages.length > ours.messages.length) {
      throw new Error(`${name} reads ${peer.messages.length} messages`);
    }
  }
  if (ours.status !== 0) tally.refused++;
  if (llhttp.error !== '' || go.error !== '' || !alike(llhttp, go)) return;
  if (ours.status !== 0) {
    if (ours.problem === '') throw new Error('refused without a rule');
    count(tally.rules, ours.problem);
  } else if (ours.messages.length < llhttp.messages.length && isKept(ours)) {
    throw new Error(`llhttp and Go read ${llhttp.messages.length} messages, Serin waits`);
  }
}

/** Behind its last message the connection would be read on. */
function isKept({ messages }: ReadConnection): boolean {
  const last = messages.at(-1);
  return last === undefined || last.keepAlive;
}

function alike(a: PeerConnection, b: PeerConnection): boolean {
  if (a.messages.length !== b.messages.length) return false;
  return a.messages.every((one, i) => {
    const other = b.messages[i]!;
    return (
      one.method === other.method &&
      originForm(one.method, one.target) === originForm(other.method, other.target) &&
      one.body === other.body
    );
  });
}

/** What Serin has written: each message alone, and then all of them behind each other. */
function compareWritten(
  ours: ReadConnection,
  go: readonly PeerConnection[],
  readers: Readers,
  tally: Tally,
): void {
  const { messages } = ours;
  for (const [i, message] of messages.entries()) {
    const why = plainDifference(message.lines);
    if (why !== '') throw new Error(`message ${i} ${why}`);
    if (isOne(message, go[i]!, 'Go', readers, tally)) tally.goWritten++;
    const llhttp = readers.llhttp(message.written);
    if (isOne(message, llhttp, 'llhttp', readers, tally)) tally.llhttpWritten++;
  }
  if (messages.length < 2 || messages.some(({ method }) => method === 'CONNECT')) return;
  const all = go[messages.length]!;
  if (go.slice(0, messages.length).some(({ error }) => error !== '')) return;
  if (all.error !== '' || all.messages.length !== messages.length) {
    throw new Error(`Go reads ${all.messages.length} of what was written, ${all.error}`);
  }
  for (const [i, message] of messages.entries()) {
    const why = difference(message, all.messages[i]!, true);
    if (why !== '') throw new Error(`Go reads another message ${i} among those that were written: ${why}`);
  }
}

/** True when the peer read just this message; false when it refused it by one of its own rules. */
function isOne(
  message: ReadMessage,
  peer: PeerConnection,
  name: string,
  readers: Readers,
  tally: Tally,
): boolean {
  const [theirs] = peer.messages;
  if (peer.error !== '' || theirs === undefined) {
    const rule = readers.peerRules.find(
      ([rule, error]) => rule.startsWith(`${name}: `) && error.test(peer.error),
    );
    if (rule === undefined || theirs !== undefined) {
      throw new Error(
        `${name} refuses what was written, ${JSON.stringify(message.written.toString('latin1'))}: ${peer.error}`,
      );
    }
    count(tally.peerRules, rule[0]);
    return false;
  }
  if (peer.messages.length !== 1) throw new Error(`${name} reads ${peer.messages.length} messages in one`);
  const why = difference(message, theirs, true);
  if (why !== '') throw new Error(`${name} reads what was written as another message: ${why}`);
  return true;
}

/** The counts, for people. */
export function report(tally: Tally): string {
  const lines = (counts: Map<string, number>): string[] =>
    [...counts].sort((a, b) => b[1] - a[1]).map(([name, n]) => `${String(n).padStart(9)}  ${name}`);
  return [
    `${tally.connections} connections, ${tally.refused} refused`,
    `compared as they came: llhttp ${tally.llhttpRaw}, Go ${tally.goRaw} messages`,
    `compared as they are written: llhttp ${tally.llhttpWritten}, Go ${tally.goWritten} messages`,
    'accepted as it came, and refused by a peer:',
    ...lines(tally.accepted),
    'written, and refused by a rule of the peer:',
    ...lines(tally.peerRules),
    'refused by Serin where llhttp and Go both accept and agree:',
    ...lines(tally.rules),
  ].join('\n');
}
