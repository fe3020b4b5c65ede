import { mkdirSync, writeFileSync } from 'node:fs';
import type { ApiAccess } from './api.ts';
import { kubeconfig } from './control-plane.ts';
import { built } from './environment.ts';
import { type Finished, runProgram } from './program.ts';

/** kubectl and helm as the cluster's administrator runs them. */
export interface Kubectl {
  /** The kubeconfig that both use, for programs that are given one. */
  readonly kubeconfig: string;
  /** Runs kubectl to its end, whatever that is. */
  run(args: readonly string[], input?: string): Promise<Finished>;
  /** Runs kubectl, which must succeed, and gives what it said. */
  must(args: readonly string[], input?: string): Promise<string>;
  /** `kubectl apply -f -` with these manifests. */
  apply(manifests: string, namespace?: string): Promise<string>;
  /** `kubectl delete -f -`, without waiting until the objects have gone. */
  remove(manifests: string, namespace?: string): Promise<string>;
  /** `kubectl get … -o json`. */
  json<T>(args: readonly string[]): Promise<T>;
  /** Runs helm to its end. */
  helm(args: readonly string[]): Promise<Finished>;
}

/** Makes a kubectl for one cluster. @param folder where its kubeconfig and its caches go. */
export function makeKubectl(access: ApiAccess, folder: string): Kubectl {
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/kubeconfig`;
  writeFileSync(file, kubeconfig(access), { mode: 0o600 });
  const environment = { ...process.env, HOME: folder, KUBECONFIG: file };
  const run = (args: readonly string[], input?: string) =>
    runProgram([built.kubectl, ...args], input, environment);
  const must = async (args: readonly string[], input?: string) => {
    const { code, out, err } = await run(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}: ${err || out}`);
    return out;
  };
  const inNamespace = (namespace: string | undefined) =>
    namespace === undefined ? [] : ['--namespace', namespace];
  return {
    kubeconfig: file,
    run,
    must,
    apply: (manifests, namespace) => must(['apply', '-f', '-', ...inNamespace(namespace)], manifests),
    remove: (manifests, namespace) =>
      must(['delete', '--wait=false', '-f', '-', ...inNamespace(namespace)], manifests),
    json: async (args) => JSON.parse(await must(['get', ...args, '-o', 'json'])),
    helm: (args) => runProgram([built.helm, ...args], '', environment),
  };
}
