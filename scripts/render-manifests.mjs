// Writes deploy/kubernetes: what the chart in deploy/helm/serin says with its default values, as plain manifests. With --check it only
// says whether that is what stands there. Needs helm 3: the one that HELM names, else the tests' own, else the one of the PATH.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = `${root}deploy/kubernetes`;
const crd = `${root}deploy/crds/canaries.serin.dev.yaml`;

/** Helm's own labels would be wrong on objects that helm knows nothing of. */
const helmsOwn = /^\s*(app\.kubernetes\.io\/managed-by: Helm|helm\.sh\/chart: .*|# Source: .*)\n/gm;

const head = `# Serin with the default values of its chart. Made by scripts/render-manifests.mjs: change deploy/helm/serin and run it again.
# kubectl apply -f deploy/kubernetes applies the kind Canary, the namespace and this, in that order.
`;

const namespace = `# Everything in it runs without root and without privileges.
apiVersion: v1
kind: Namespace
metadata:
  name: serin
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;

function helm() {
  const own = `${root}.peers/cluster/helm`;
  return process.env.HELM ?? (existsSync(own) ? own : 'helm');
}

function rendered() {
  // A helm that was built as a library does not know which Kubernetes it is for.
  const args = [
    'template',
    'serin',
    `${root}deploy/helm/serin`,
    '--namespace',
    'serin',
    '--kube-version',
    '1.35.0',
  ];
  const { status, stdout, stderr, error } = spawnSync(helm(), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`helm ${args.join(' ')}: ${error?.message ?? stderr}`);
  return head + stdout.replaceAll(helmsOwn, '').replace(/\n{3,}/g, '\n\n');
}

const files = {
  'canaries.serin.dev.yaml': readFileSync(crd, 'utf8'),
  'namespace.yaml': namespace,
  'serin.yaml': rendered(),
};
if (process.argv.includes('--check')) {
  const old = Object.keys(files).filter(
    (name) => !existsSync(`${folder}/${name}`) || readFileSync(`${folder}/${name}`, 'utf8') !== files[name],
  );
  if (old.length > 0) {
    console.error(
      `deploy/kubernetes: ${old.join(', ')} differ from the chart; node scripts/render-manifests.mjs`,
    );
    process.exitCode = 1;
  }
} else {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text);
  // The chart carries the CRD itself: helm installs what lies in crds/.
  copyFileSync(crd, `${root}deploy/helm/serin/crds/canaries.serin.dev.yaml`);
}
