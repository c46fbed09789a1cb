import type { FastifyInstance } from 'fastify';
import { headerParts } from './header-list.ts';

/** What a client's `Prefer` asks of us (RFC 7240; R4 http.html). */
export interface Preferences {
  /** `completeness=required` (DESIGN 11): rather no answer than one that lacks a source */
  readonly complete: boolean;
  /** `handling=strict` or `handling=lenient`. Both are answered strictly: a condition that is ignored widens the answer */
  readonly handling: boolean;
}

const NONE: Preferences = { complete: false, handling: false };
const PREFERENCE = /^([A-Za-z]+)[ \t]*=[ \t]*(?:"([A-Za-z]*)"|([A-Za-z]+))$/;

/** Preferences that are malformed or not ours have no effect: a preference is no condition. */
export function preferencesOf(prefer: string | string[] | undefined): Preferences {
  if (typeof prefer !== 'string') return NONE;
  const asked = new Set(
    headerParts(prefer, ',;').map((part) => {
      const [, name = '', quoted, plain] = PREFERENCE.exec(part) ?? [];
      return `${name}=${quoted ?? plain ?? ''}`.toLowerCase();
    }),
  );
  return {
    complete: asked.has('completeness=required'),
    handling: asked.has('handling=strict') || asked.has('handling=lenient'),
  };
}

/** Says how a request that asks for either handling is handled, on every answer of a scope (RFC 7240, 3). */
export function applyPreferences(scope: FastifyInstance): void {
  scope.addHook('onRequest', (request, reply, done) => {
    const { prefer } = request.headers;
    if (prefer !== undefined && preferencesOf(prefer).handling) {
      reply.header('preference-applied', 'handling=strict');
    }
    done();
  });
}
