/** What a certificate with its key is found to be. A reason is words of the library, without anything of the key. */
export type CheckedKeyPair =
  | {
      readonly kind: 'good';
      /** Names (DNS, IP addresses as text) that the certificate is for. */
      readonly names: readonly string[];
      /** Null = valid now; else since or until when it is not, as a date (2026-11-25). */
      readonly invalid: { readonly kind: 'expired' | 'not-yet-valid'; readonly date: string } | null;
    }
  | { readonly kind: 'bad-certificate' | 'bad-key'; readonly reason: string }
  | { readonly kind: 'mismatch' };

/**
 * Looks at certificates for the compiler, which is pure and has neither cryptography nor a clock. Everything is PEM.
 * Never throws for what a user wrote.
 */
export interface CertificateChecker {
  /** A certificate with its chain, and its key. */
  keyPair(chain: string, privateKey: string): CheckedKeyPair;
  /** What is wrong with certificates of authorities; null = nothing. */
  authorities(pem: string): string | null;
  /** What is wrong with lists of revoked certificates; null = nothing. */
  revocations(pem: string): string | null;
  /** The first cipher of TLS 1.2 that is not known; null = none. */
  unknownCipher(names: readonly string[]): string | null;
  /** The first group of the key exchange that is not known; null = none. */
  unknownCurve(names: readonly string[]): string | null;
}

/** A file that a manifest names, as it is now. */
export type ExternalFile = { readonly text: string } | { readonly problem: string };

/** Files that manifests name (cert_chain_file and the like). What was read is followed until it is not retained. */
export interface ExternalFiles {
  /** Content of a file, or why it cannot be read. The same until a change of it was told of. */
  read(path: string): ExternalFile;
  /** These are still needed, and no others. */
  retain(paths: ReadonlySet<string>): void;
}
