import compress from '@fastify/compress';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Below this, gzip costs more than it saves on any network that a record is read over. */
const SMALLEST = 16 * 1024;

/**
 * Large FHIR answers are compressed where the client takes gzip; it is the released, audited text that is. Errors and
 * single resources are too small and go as they are. Requests are never decompressed.
 *
 * What a client chose and a secret may share an answer here (BREACH); no browser can be made to ask for one unseen,
 * since no answer depends on a cookie.
 *
 * For a scope, before its routes.
 */
export async function compressLarge(scope: FastifyInstance): Promise<void> {
  scope.addHook('onSend', (_request, reply, payload, done) => {
    // what is sent as it is could have been compressed as well
    if (typeof payload === 'string' && payload.length >= SMALLEST) varyByEncoding(reply);
    done();
  });
  await scope.register(compress, {
    encodings: ['gzip'],
    threshold: SMALLEST,
    customTypes: /^application\/fhir\+json(?:;|$)/,
    globalDecompression: false,
    // off the event loop
    syncThreshold: 0,
  });
  // Fastify's HEAD routes take the body away; the plugin comes behind them and would not say what GET says
  scope.addHook('onRoute', (route) => {
    if (route.method === 'HEAD' && Array.isArray(route.onSend)) route.onSend.reverse();
  });
}

function varyByEncoding(reply: FastifyReply): void {
  const others = reply.getHeader('vary');
  reply.header('vary', others === undefined ? 'accept-encoding' : `${String(others)}, accept-encoding`);
}
