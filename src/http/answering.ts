import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import { kindOf } from '../record/account.ts';
import { disclose, type Released } from '../record/disclose.ts';
import { type RejectedRequest, recordRejected } from '../record/rejected.ts';
import { type Question, type Understood, understand } from './asks.ts';
import { accountOf, authenticate } from './known-caller.ts';
import { type AnswerFormat, negotiate } from './negotiation.ts';
import { preferencesOf } from './prefer.ts';
import { pairsOf } from './query.ts';
import { sendReleased } from './send.ts';
import type { HttpServices } from './services.ts';
import type { UnauthenticatedCounter } from './unauthenticated.ts';

/** Who asks and how it came, with what the answer has to look like. */
export interface Asked {
  readonly about: Omit<RejectedRequest, 'what'> & { readonly caller: Caller };
  readonly format: AnswerFormat;
  readonly requireComplete: boolean;
}

/** From a request to a released answer, the same way for every interaction: token, question, disclosure. */
export class Answering {
  readonly #services: HttpServices;
  readonly #unauthenticated: UnauthenticatedCounter;

  constructor(services: HttpServices, unauthenticated: UnauthenticatedCounter) {
    this.#services = services;
    this.#unauthenticated = unauthenticated;
  }

  /** A question that the address, the query and the form ask. */
  async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    question: Omit<Question, 'query'>,
  ): Promise<FastifyReply> {
    return this.operate(
      request,
      reply,
      kindOf(question),
      ({ about }) => understand(this.#services, about.caller, { ...question, query: pairsOf(request) }),
      question.interaction === 'search-type' && question.type === 'AuditEvent',
    );
  }

  /**
   * A question that is understood in some way of its own. What cannot be understood is accounted for as what was
   * attempted.
   *
   * @param tables whether the answer may be a table of events
   */
  async operate(
    request: FastifyRequest,
    reply: FastifyReply,
    what: RejectedRequest['what'],
    understood: (asked: Asked) => Understood,
    tables = false,
  ): Promise<FastifyReply> {
    const asked = await this.asked(request, what, tables);
    const released = await this.released(asked, what, () => understood(asked));
    return sendReleased(reply, released, asked.format, this.#services.disclosure.baseUrl);
  }

  /** @throws Problem `unauthenticated`; `not-acceptable`, accounted for */
  async asked(request: FastifyRequest, what: RejectedRequest['what'], tables = false): Promise<Asked> {
    const caller = await authenticate(this.#services, this.#unauthenticated, request);
    const about = accountOf(request, caller);
    try {
      const format = negotiate(request.headers.accept, pairsOf(request), tables);
      return { about, format, requireComplete: preferencesOf(request.headers['prefer']).complete };
    } catch (error) {
      throw await this.rejected(about, what, error);
    }
  }

  /** One disclosure: of a request, or of an entry of a batch. */
  async released(
    { about, requireComplete, format: { as } }: Asked,
    what: RejectedRequest['what'],
    understood: () => Understood,
  ): Promise<Released> {
    let question: Understood;
    try {
      question = understood();
    } catch (error) {
      throw await this.rejected(about, what, error);
    }
    return disclose(this.#services.disclosure, {
      ...about,
      ...question,
      requireComplete,
      ...(as !== undefined && { as }),
    });
  }

  /** @returns the error to throw, accounted for */
  rejected(about: Asked['about'], what: RejectedRequest['what'], error: unknown): Promise<Error> {
    return recordRejected(this.#services.disclosure, { ...about, what }, error);
  }
}
