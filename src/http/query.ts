import type { FastifyRequest } from 'fastify';
import { Problem } from '../fhir/problem.ts';
import { isForm } from './request-body.ts';

/**
 * The parameters of a request, in order, decoded once: of the URL and, for a POST search, of the form body. Names are
 * judged after decoding, so that `%5Fid` is `_id` and nothing else.
 *
 * @throws Problem `invalid` for an escape that is none, a NUL or other control character
 */
export function pairsOf(request: FastifyRequest): readonly (readonly [string, string])[] {
  const url = request.raw.url ?? '';
  const mark = url.indexOf('?');
  const query = mark < 0 ? '' : url.slice(mark + 1);
  const body = typeof request.body === 'string' && isForm(request) ? request.body : '';
  return [...decodedPairs(query), ...decodedPairs(body)];
}

/** An address with its parameters, encoded again: for self links, of parameters that were understood. */
export function withQuery(path: string, pairs: readonly (readonly [string, string])[]): string {
  const query = pairs
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
  return query === '' ? path : `${path}?${query}`;
}

export function decodedPairs(text: string): (readonly [string, string])[] {
  if (text === '') return [];
  return text
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=');
      const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
      return [plain(name), plain(value)] as const;
    });
}

function plain(text: string): string {
  let result: string;
  try {
    result = decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new Problem('invalid', 'A parameter is not correctly percent-encoded.');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(result))
    throw new Problem('invalid', 'A parameter holds a control character.');
  return result;
}

/** Characters of a body that are kept: a form whole. */
const LONGEST_BODY = 64 * 1024;

/** The request as the audit log keeps it (BALP): request line, two headers, form body; never the Authorization header. */
export function rawRequestOf(request: FastifyRequest): string {
  const lines = [`${request.method} ${withoutTokens(request.raw.url ?? '')} HTTP/${request.raw.httpVersion}`];
  if (request.headers.accept !== undefined) lines.push(`Accept: ${request.headers.accept}`);
  if (typeof request.headers['content-type'] === 'string')
    lines.push(`Content-Type: ${request.headers['content-type']}`);
  lines.push(`X-Request-Id: ${request.id}`);
  const body =
    typeof request.body === 'string' ? `\r\n${withoutTokens(request.body.slice(0, LONGEST_BODY))}` : '';
  return `${lines.join('\r\n')}\r\n${body}`;
}

/** A token in a URL is refused elsewhere; here it must not be kept either. Linear: no two beginnings share a character. */
function withoutTokens(text: string): string {
  return text.replace(/((?:^|[?&\n])[^=&?\n]*token=)[^&\s]*/gi, '$1***');
}
