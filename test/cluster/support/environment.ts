import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const repository = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** Where setup.sh builds its programs. */
const programs = `${repository}/.peers/cluster`;

/** The programs that setup.sh builds. */
export const built = {
  apiServer: `${programs}/kube-apiserver`,
  controllerManager: `${programs}/kube-controller-manager`,
  kubectl: `${programs}/kubectl`,
  helm: `${programs}/helm`,
  backend: `${programs}/backend`,
} as const;

/** The address of the run's bridge, at which pods find the API server (run.sh makes it). */
export const bridgeAddress = '10.244.0.1';

/** This run's folder, in memory; it goes with the run. Throws outside of run.sh. */
export function workFolder(): string {
  const folder = process.env.SERIN_CLUSTER_WORK;
  if (folder === undefined) throw new Error('these tests need namespaces of their own: npm run test:cluster');
  return folder;
}
