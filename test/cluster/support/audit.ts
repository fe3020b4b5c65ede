import { readFileSync, writeFileSync } from 'node:fs';

/** One request of a ServiceAccount, as the API server's audit log has it. */
export interface AuditEvent {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`. */
  readonly verb: string;
  /** `services` */
  readonly resource: string;
  readonly subresource: string;
  /** `system:serviceaccount:serin:serin` */
  readonly user: string;
  /** The pod whose token it was; '' where it was nobody's. */
  readonly pod: string;
  readonly uri: string;
  readonly status: number;
  /** When it was answered, in milliseconds since 1970. */
  readonly at: number;
}

/** Writes the policy that has the API server note what ServiceAccounts ask for, and nothing else. */
export function writeAuditPolicy(file: string): void {
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitStages: ['RequestReceived'],
      rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
    }),
  );
}

/** Reads an audit log: each request once, a watch when it begins. */
export function readAudit(file: string): readonly AuditEvent[] {
  const events: AuditEvent[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const { stage, verb, objectRef, user, requestURI, responseStatus, stageTimestamp } = JSON.parse(line);
    if (stage !== (verb === 'watch' ? 'ResponseStarted' : 'ResponseComplete')) continue;
    events.push({
      verb,
      resource: objectRef?.resource ?? '',
      subresource: objectRef?.subresource ?? '',
      user: user.username,
      pod: user.extra?.['authentication.kubernetes.io/pod-name']?.[0] ?? '',
      uri: requestURI,
      status: responseStatus?.code ?? 0,
      at: Date.parse(stageTimestamp),
    });
  }
  return events;
}
