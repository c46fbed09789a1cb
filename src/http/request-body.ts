import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readJsonBody } from '../fhir/json-body.ts';
import { Problem } from '../fhir/problem.ts';

/** A search form: nothing longer is honest. */
export const FORM_LIMIT = 64 * 1024;

/** A resource that an operation takes as JSON. */
export const JSON_LIMIT = 1024 * 1024;

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPES = ['application/fhir+json', 'application/json'];

/**
 * Content types that are read, whole: of parameters no other character set and no other FHIR version (attack catalogue
 * I-09). Fastify looks at the media type alone.
 */
const READ =
  /^(?:application\/x-www-form-urlencoded|application\/fhir\+json|application\/json)(?:[ \t]*;[ \t]*(?:charset=(?:utf-8|"utf-8")|fhirversion=4\.0))*$/i;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function isForm(request: FastifyRequest): boolean {
  return mediaType(request) === FORM;
}

/**
 * Search forms are read here and nothing else; a body that is compressed or written in another character set is refused
 * before a byte of it is read (attack catalogue I-04).
 */
export function takeForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: FORM_LIMIT }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const problem = bodyProblem(request);
    if (problem === undefined) done(null, payload);
    else done(problem);
  });
}

/**
 * For a scope whose routes take a resource as JSON, and no form: the body stays text, up to 1 MiB, which
 * {@link jsonBodyOf} reads.
 */
export function takeJson(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    JSON_TYPES,
    { parseAs: 'buffer', bodyLimit: JSON_LIMIT },
    (_request, body, done) => {
      try {
        done(null, UTF8.decode(Buffer.from(body)));
      } catch {
        done(new Problem('unsupported-media', 'The body is not UTF-8.'));
      }
    },
  );
  scope.addContentTypeParser('*', (_request, _payload, done) => {
    done(new Problem('unsupported-media', 'Send the body as application/fhir+json, in UTF-8.'));
  });
}

/** @throws Problem `invalid` where there is no body, or none that `readJsonBody` reads */
export function jsonBodyOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  if (typeof request.body !== 'string') throw new Problem('invalid', 'A resource is needed as the body.');
  return readJsonBody(request.body);
}

function bodyProblem(request: FastifyRequest): Problem | undefined {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return new Problem('unsupported-media', 'Send the body without Content-Encoding.');
  }
  const type = request.headers['content-type'];
  if (request.method !== 'POST' || type === undefined || READ.test(type)) return undefined;
  const isKnown = [FORM, ...JSON_TYPES].includes(mediaType(request));
  // of any other type the parsers say what they take
  return isKnown ? new Problem('unsupported-media', 'Send the body in UTF-8, as FHIR 4.0.') : undefined;
}

function mediaType(request: FastifyRequest): string {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  return type.trim().toLowerCase();
}
