import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { ApiClient } from '../kubernetes/api-client.ts';

/** What a command says about the cluster that it means. */
export interface ClusterGiven {
  readonly kubernetes?: boolean;
  readonly context?: string;
  readonly namespace?: string;
}

/** Adds the options that name a cluster. */
export function addClusterOptions(command: Command): Command {
  return command
    .option('--kubernetes', 'a cluster in place of one running serin (kubectl serin always means one)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'namespace of the Canary (default: that of the context)');
}

/** True when a cluster is meant: by an option, or because kubectl runs this as its plugin. */
export function meansCluster({ kubernetes, context, namespace }: ClusterGiven): boolean {
  return kubernetes === true || context !== undefined || namespace !== undefined || isKubectlPlugin();
}

/** Run as `kubectl serin`: the same program under the name kubectl-serin. */
export function isKubectlPlugin(): boolean {
  return /(?:^|[/\\])kubectl[-_]serin(?:\.[a-z]+)?$/.test(process.argv[1] ?? '');
}

/** Opens the cluster that is meant. Rejects with one line for the user. */
export async function openCluster({ context, namespace }: ClusterGiven): Promise<{
  client: ApiClient;
  namespace: string;
}> {
  const { loadCredentials } = await import('../kubernetes/credentials.ts');
  const { ApiClient } = await import('../kubernetes/api-client.ts');
  const credentials = await loadCredentials(context ?? null);
  return { client: new ApiClient(credentials), namespace: namespace ?? credentials.namespace };
}

/** Who gives a command, for the record. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
