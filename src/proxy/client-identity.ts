import type { X509Certificate } from 'node:crypto';
import type { ClientCertDetails, HttpSettings } from '../model/http-settings.ts';
import { alternativeNames, certificateElement, pemOf, subjectOf } from './forwarded-certificate.ts';
import type { Transport } from './transport/transport.ts';

/** Who the client of a connection is, by the certificate that it has shown; read when it is first asked for. */
export class ClientIdentity {
  readonly #transport: Transport;
  /** Undefined = not looked at yet; null = it has shown none. */
  #certificate: X509Certificate | null | undefined;
  #details: ClientCertDetails | null = null;
  #element = '';

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * The value of x-forwarded-client-cert for a request, by Envoy's rules of forward_client_cert_details; null = none.
   * @param trusts the peer is a proxy that is believed, which counts where no mode is set. @param came as it came.
   */
  field(
    { clientCertMode, clientCertDetails }: HttpSettings,
    trusts: boolean,
    came: string | null,
  ): string | null {
    if (clientCertMode === null) return trusts ? came : null;
    if (clientCertMode === 'always_forward_only') return came;
    if (clientCertMode === 'sanitize') return null;
    const certificate = this.#shown();
    // Only who has shown a certificate may speak for another.
    if (certificate === null) return null;
    if (clientCertMode === 'forward_only') return came;
    if (this.#details !== clientCertDetails) {
      this.#details = clientCertDetails;
      this.#element = this.#fitting(certificate, clientCertDetails);
    }
    return clientCertMode === 'sanitize_set' || came === null ? this.#element : `${came},${this.#element}`;
  }

  /**
   * The certificate was verified in the handshake, or the connection would not be there (`ContextServer`). Asked for once:
   * the first answer of Node 20 has the chain, and takes it away from any other.
   */
  #shown(): X509Certificate | null {
    if (this.#certificate === undefined) {
      this.#certificate = this.#transport.tls?.getPeerX509Certificate() ?? null;
    }
    return this.#certificate;
  }

  /** The element with what was asked for, as far as it is no longer than a head could bear. */
  #fitting(certificate: X509Certificate, details: ClientCertDetails): string {
    const less = { ...details, chain: false };
    const least = { subject: false, cert: false, chain: false, dns: false, uri: false };
    for (const wanted of [details, less, { ...less, cert: false }]) {
      const element = this.#make(certificate, wanted);
      if (element.length <= mostBytes) return element;
    }
    return this.#make(certificate, least);
  }

  #make(certificate: X509Certificate, details: ClientCertDetails): string {
    const names = alternativeNames(certificate.subjectAltName ?? '');
    const ours = alternativeNames(this.#transport.tls!.getX509Certificate()?.subjectAltName ?? '');
    return certificateElement({
      by: ours.uri,
      hash: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      cert: details.cert ? pemOf(certificate.raw) : null,
      chain: details.chain ? chainOf(certificate).map(pemOf).join('') : null,
      subject: details.subject ? subjectOf(certificate.subject) : null,
      uri: details.uri ? names.uri : [],
      dns: details.dns ? names.dns : [],
    });
  }
}

/** Of an element of x-forwarded-client-cert. OpenSSL takes chains of 100 KB, which no upstream would take as a header. */
const mostBytes = 32_768;

/** The chain that the client has sent, its own certificate first. */
function chainOf(own: X509Certificate): Buffer[] {
  const chain: Buffer[] = [];
  // The issuer of a root is the root itself.
  for (let one: X509Certificate | undefined = own; one !== undefined; one = one.issuerCertificate) {
    const { raw } = one;
    if (chain.some((known) => known.equals(raw))) break;
    chain.push(raw);
  }
  return chain;
}
