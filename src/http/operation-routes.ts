import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../fhir/problem.ts';
import { SERVED_NAMES } from '../fhir/served.ts';
import { recordComputed } from '../record/computed.ts';
import type { Answering, Asked } from './answering.ts';
import { askOfDeclaration } from './ask-declaration.ts';
import { askOfExplanation } from './ask-explain.ts';
import { askOfMatch } from './ask-match.ts';
import { understand } from './asks.ts';
import { type BatchEntry, batchEntries, batchResponse, type EntryAnswer } from './batch.ts';
import { everythingPairs } from './everything-body.ts';
import { pairsOf } from './query.ts';
import { jsonBodyOf, takeJson } from './request-body.ts';
import { requirePlain } from './searches.ts';
import { sendFhir } from './send.ts';
import type { HttpServices } from './services.ts';
import { validationOutcome } from './validate.ts';

/** Counts one more request against the limit of its address. @throws Problem `throttled` */
export type CountRequest = (request: FastifyRequest) => Promise<void>;

/**
 * Operations whose question is a JSON body: `$match`, `$declare-relationship`, `$everything` by POST, `$validate`, and
 * batches.
 *
 * @param scope a scope of its own: here bodies are JSON, everywhere else they are forms
 */
export function operationRoutes(
  scope: FastifyInstance,
  services: HttpServices,
  answering: Answering,
  countRequest: CountRequest,
): void {
  takeJson(scope);
  const disclosed = { config: { policy: 'disclosed' } } as const;
  scope.post('/Patient/$match', disclosed, (request, reply) =>
    answering.operate(request, reply, 'match', () => {
      requirePlain(pairsOf(request));
      const again = { interaction: 'match', type: 'Patient', query: [] } as const;
      return { ask: askOfMatch(jsonBodyOf(request)), self: 'Patient/$match', again };
    }),
  );
  scope.post('/Patient/$declare-relationship', disclosed, (request, reply) =>
    answering.operate(request, reply, 'declare-relationship', () => {
      requirePlain(pairsOf(request));
      const again = { interaction: 'declare-relationship', type: 'Patient', query: [] } as const;
      return {
        ask: askOfDeclaration(jsonBodyOf(request)),
        self: 'Patient/$declare-relationship',
        again,
      };
    }),
  );
  scope.post<{ Params: { id: string } }>('/Patient/:id/$everything', disclosed, (request, reply) =>
    answering.operate(request, reply, 'everything', ({ about }) => {
      const query = [...pairsOf(request), ...everythingPairs(jsonBodyOf(request))];
      const question = { interaction: 'everything', type: 'Patient', id: request.params.id, query } as const;
      return understand(services, about.caller, question);
    }),
  );
  scope.post('/AuditEvent/$explain-access', disclosed, (request, reply) =>
    answering.operate(request, reply, 'explain-access', () => {
      requirePlain(pairsOf(request));
      const again = { interaction: 'explain-access', type: 'AuditEvent', query: [] } as const;
      return { ask: askOfExplanation(jsonBodyOf(request)), self: 'AuditEvent/$explain-access', again };
    }),
  );
  scope.post('/', disclosed, (request, reply) => batch(request, reply, services, answering, countRequest));
  for (const type of SERVED_NAMES) {
    scope.post(`/${type}/$validate`, { config: { policy: 'computed' } }, async (request, reply) => {
      const asked = await answering.asked(request, 'validate');
      // what was sent may be somebody's record: the account keeps that something was checked, and not what
      const [rawRequest = ''] = asked.about.rawRequest.split('\r\n\r\n');
      const about = { ...asked.about, rawRequest };
      try {
        requirePlain(pairsOf(request));
        const outcome = JSON.stringify(validationOutcome(type, jsonBodyOf(request)));
        await recordComputed(services.disclosure, { ...about, what: 'validate' });
        return sendFhir(reply.header('cache-control', 'no-store'), outcome, asked.format);
      } catch (error) {
        throw await answering.rejected(about, 'validate', error);
      }
    });
  }
}

/** Entries one after the other: each is a request of its own, decided on and accounted for like any other. */
async function batch(
  request: FastifyRequest,
  reply: FastifyReply,
  services: HttpServices,
  answering: Answering,
  countRequest: CountRequest,
): Promise<FastifyReply> {
  const asked = await answering.asked(request, 'batch');
  let entries: readonly BatchEntry[];
  try {
    requirePlain(pairsOf(request));
    entries = batchEntries(jsonBodyOf(request));
  } catch (error) {
    throw await answering.rejected(asked.about, 'batch', error);
  }
  const answers: EntryAnswer[] = [];
  for (const [place, entry] of entries.entries()) {
    // the request itself was counted before it came here
    const counted = async (): Promise<void> => (place === 0 ? undefined : countRequest(request));
    answers.push(await entryAnswer(services, answering, asked, entry, counted));
  }
  return sendFhir(reply.header('cache-control', 'no-store'), batchResponse(answers), asked.format);
}

async function entryAnswer(
  services: HttpServices,
  answering: Answering,
  asked: Asked,
  { line, question, problem }: BatchEntry,
  counted: () => Promise<void>,
): Promise<EntryAnswer> {
  const rawRequest = `${line} in a batch\r\nX-Request-Id: ${asked.about.requestId}\r\n`;
  const one = { ...asked, about: { ...asked.about, rawRequest } };
  try {
    const what = question?.interaction ?? 'search-type';
    try {
      await counted();
    } catch (error) {
      throw await answering.rejected(one.about, what, error);
    }
    if (question === undefined) throw await answering.rejected(one.about, what, problem);
    const released = await answering.released(one, question.interaction, () =>
      understand(services, asked.about.caller, question),
    );
    return { body: released.send() };
  } catch (error) {
    // what is no Problem is a defect: the whole batch fails, as any request would
    if (error instanceof Problem) return { problem: error };
    throw error;
  }
}
