import type { ValuePath } from '../../lib/position.ts';
import type { KeyPair } from '../../model/tls.ts';
import { type Finding, finding } from '../../resources/issue.ts';
import type { SecretKey } from '../../resources/kubernetes/secret.ts';
import { resourceOf, type Unit } from '../unit.ts';
import type { CertificateChecker, ExternalFiles } from './certificate-checker.ts';
import type { SecretReference } from './drafts.ts';

/** Something that was looked for, with what is to be said of it: by the unit that the finding is about. */
export interface Material<T> {
  /** Null: it is missing or wrong, and one of the findings says how. */
  readonly value: T | null;
  readonly findings: readonly (readonly [Unit, Finding])[];
}

/** A good certificate, and what it is called in messages. */
export interface CheckedPair extends KeyPair {
  readonly names: readonly string[];
  readonly place: string;
  /** Certificate of the authority that comes with it (Istio's root-cert.pem); null = none. */
  readonly root: string | null;
}

type Authority = 'authority' | 'revocations';

/** Keys of a Secret in which a part is looked for. Source: SecretInfo.from_aconf_secret; ca.crt is ours. */
const keysOf = {
  chain: ['tls.crt', 'cert-chain.pem'],
  privateKey: ['tls.key', 'key.pem'],
  authority: ['tls.crt', 'cert-chain.pem', 'ca.crt', 'root-cert.pem'],
  revocations: ['crl.pem', 'user.key'],
} as const satisfies Record<string, readonly SecretKey[]>;

/**
 * Finds certificates in Secrets and files and looks at them. What is good or bad about a Secret is found once and kept
 * as long as its unit is, so the same finding is given out for all that use it.
 */
export class MaterialReader {
  readonly #checker: CertificateChecker;
  readonly #files: ExternalFiles;
  readonly #pairs = new WeakMap<Unit, Material<CheckedPair>>();
  readonly #others = { authority: new WeakMap(), revocations: new WeakMap() } as Record<
    Authority,
    WeakMap<Unit, Material<string>>
  >;
  #secrets: ReadonlyMap<string, Unit> = new Map();
  #read = new Set<string>();
  #named = new Set<string>();

  constructor(checker: CertificateChecker, files: ExternalFiles) {
    this.#checker = checker;
    this.#files = files;
  }

  /** Begins a pass over all contexts. `secrets`: units by `namespace/name`. */
  begin(secrets: ReadonlyMap<string, Unit>): void {
    this.#secrets = secrets;
    this.#read = new Set();
    this.#named = new Set();
  }

  /** Secrets (`namespace/name`) that the last pass looked for, found or not. */
  get named(): ReadonlySet<string> {
    return this.#named;
  }

  /** Ends the pass: files that it has not read are not followed any more. */
  end(): void {
    this.#files.retain(this.#read);
  }

  /** Certificate and key of a Secret that `user` names. */
  pairOf(reference: SecretReference, user: Unit): Material<CheckedPair> {
    const unit = this.#secret(reference);
    if (unit === undefined) return missing(reference, user);
    return cached(this.#pairs, unit, () => {
      const chain = partOf(unit, keysOf.chain);
      const key = partOf(unit, keysOf.privateKey);
      const absent = chain === null ? keysOf.chain[0] : key === null ? keysOf.privateKey[0] : null;
      if (chain === null || key === null) return incomplete(unit, absent ?? '');
      const root = resourceOf(unit, 'Secret')?.texts['root-cert.pem'] ?? null;
      return this.#check(
        { ...chain, unit, label: `"${chain.key}"`, place: `the Secret ${reference.name}` },
        { ...key, unit, label: `"${key.key}"` },
        root,
      );
    });
  }

  /** Certificate and key of two files that `user` names. */
  pairOfFiles(chainFile: string, keyFile: string, at: ValuePath, user: Unit): Material<CheckedPair> {
    const chain = this.#file(chainFile, [...at, 'cert_chain_file'], user);
    const key = this.#file(keyFile, [...at, 'private_key_file'], user);
    if (chain.value === null || key.value === null)
      return { value: null, findings: [...chain.findings, ...key.findings] };
    return this.#check(
      {
        text: chain.value,
        path: [...at, 'cert_chain_file'],
        unit: user,
        label: chainFile,
        place: chainFile,
      },
      { text: key.value, path: [...at, 'private_key_file'], unit: user, label: keyFile },
      null,
    );
  }

  /** Certificates of authorities, or a list of revoked ones, in a Secret. */
  ofSecret(what: Authority, reference: SecretReference, user: Unit): Material<string> {
    const unit = this.#secret(reference);
    if (unit === undefined) return missing(reference, user);
    return cached(this.#others[what], unit, () => {
      const part = partOf(unit, keysOf[what]);
      if (part === null) return incomplete(unit, keysOf[what][0]);
      return this.#checkOther(what, part.text, unit, part.path, `"${part.key}"`);
    });
  }

  /** The same in a file. */
  ofFile(what: Authority, file: string, path: ValuePath, user: Unit): Material<string> {
    const read = this.#file(file, path, user);
    return read.value === null ? read : this.#checkOther(what, read.value, user, path, file);
  }

  #secret({ namespace, name }: SecretReference): Unit | undefined {
    const key = `${namespace}/${name}`;
    this.#named.add(key);
    return this.#secrets.get(key);
  }

  #file(written: string, path: ValuePath, user: Unit): Material<string> {
    const file = besides(user.file, written);
    this.#read.add(file);
    const content = this.#files.read(file);
    if ('text' in content) return { value: content.text, findings: [] };
    return failed(user, finding('certificate-file', path, { file, reason: content.problem }));
  }

  #check(chain: Part & { place: string }, key: Part, root: string | null): Material<CheckedPair> {
    const checked = this.#checker.keyPair(chain.text, key.text);
    switch (checked.kind) {
      case 'bad-certificate':
        return failed(
          chain.unit,
          finding('certificate-unreadable', chain.path, { place: chain.label, reason: checked.reason }),
        );
      case 'bad-key':
        return failed(
          key.unit,
          finding('private-key-unreadable', key.path, { place: key.label, reason: checked.reason }),
        );
      case 'mismatch':
        return failed(key.unit, finding('certificate-key-mismatch', key.path, { place: key.label }));
      case 'good': {
        const { names, invalid } = checked;
        const { text, place } = chain;
        const value = { chain: text, privateKey: key.text, names, place, root };
        if (invalid === null) return { value, findings: [] };
        const found = finding(`certificate-${invalid.kind}`, chain.path, {
          place: chain.label,
          date: invalid.date,
        });
        return { value, findings: [[chain.unit, found]] };
      }
    }
  }

  #checkOther(what: Authority, text: string, unit: Unit, path: ValuePath, place: string): Material<string> {
    const reason = what === 'authority' ? this.#checker.authorities(text) : this.#checker.revocations(text);
    if (reason === null) return { value: text, findings: [] };
    const code = what === 'authority' ? 'certificate-unreadable' : 'crl-unreadable';
    return failed(unit, finding(code, path, { place, reason }));
  }
}

/** A text and where it stands. */
interface Part {
  readonly text: string;
  readonly unit: Unit;
  readonly path: ValuePath;
  /** What it is called in a message about its own unit. */
  readonly label: string;
}

function partOf(
  unit: Unit,
  keys: readonly SecretKey[],
): { key: SecretKey; text: string; path: ValuePath } | null {
  const secret = resourceOf(unit, 'Secret');
  for (const key of keys) {
    const text = secret?.texts[key];
    if (text === undefined || text === '') continue;
    return { key, text, path: [secret?.plain.includes(key) ? 'stringData' : 'data', key] };
  }
  return null;
}

function missing({ name, namespace, path }: SecretReference, user: Unit): Material<never> {
  return failed(user, finding('secret-missing', path, { name, namespace }));
}

function incomplete(unit: Unit, key: string): Material<never> {
  const name = resourceOf(unit, 'Secret')?.meta.name ?? '';
  return failed(unit, finding('secret-incomplete', [], { name, key }));
}

function failed(unit: Unit, found: Finding): Material<never> {
  return { value: null, findings: [[unit, found]] };
}

function cached<T>(known: WeakMap<Unit, T>, unit: Unit, make: () => T): T {
  const value = known.get(unit) ?? make();
  known.set(unit, value);
  return value;
}

/** A relative path begins at the folder of the manifest that names it. */
function besides(manifest: string, path: string): string {
  if (path.startsWith('/')) return path;
  const slash = manifest.lastIndexOf('/');
  return slash === -1 ? path : `${manifest.slice(0, slash + 1)}${path}`;
}
