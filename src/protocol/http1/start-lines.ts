import { isToken } from '../hpack/field-values.ts';

/** Reason phrases of the statuses in IANA's registry (RFC 9110 15, and those that others define). */
const reasons: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  102: 'Processing',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'Non-Authoritative Information',
  204: 'No Content',
  205: 'Reset Content',
  206: 'Partial Content',
  207: 'Multi-Status',
  208: 'Already Reported',
  226: 'IM Used',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  305: 'Use Proxy',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  423: 'Locked',
  424: 'Failed Dependency',
  425: 'Too Early',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  506: 'Variant Also Negotiates',
  507: 'Insufficient Storage',
  508: 'Loop Detected',
  511: 'Network Authentication Required',
};

const lines: (Buffer | undefined)[] = new Array(600).fill(undefined);

/**
 * `HTTP/1.1 status reason` with its CRLF, for 100 to 599; one buffer for each status, not to be changed. The reason
 * phrase of a status without one is empty (RFC 9112 4). HTTP/1.0 clients get HTTP/1.1, too: the version says what the
 * sender can do (RFC 9110 2.5).
 */
export function statusLine(status: number): Buffer {
  const known = lines[status];
  if (known !== undefined) return known;
  if (!Number.isInteger(status) || status < 100 || status > 599) throw new RangeError(`no status: ${status}`);
  const line = Buffer.from(`HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n`, 'latin1');
  lines[status] = line;
  return line;
}

/** True when the text can stand as a request target: visible ASCII, and not empty. */
export function isTarget(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/**
 * `METHOD target HTTP/1.1` with its CRLF. Throws a RangeError when the method is no token, or the target has anything
 * but visible ASCII: what would make two lines out of one is never written.
 */
export function requestLine(method: string, target: string): Buffer {
  if (!isToken(method)) throw new RangeError('the method is not a token');
  if (!isTarget(target)) throw new RangeError('the target has a forbidden character');
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n`, 'latin1');
}
