import type { Ask } from './ask.ts';
import type { Caller } from './caller.ts';

/**
 * Whether what is asked for was decided on when it was released: the sharing agreement of its source, what that shared,
 * and its labels were judged then, and what was withdrawn since hides nothing of it (DESIGN 4, "Withdrawal"). Who asks,
 * for whom and with which token is judged now; who may ask at all says the rule `past-record`.
 */
export function wasDecidedThen(caller: Caller, ask: Ask): boolean {
  return caller.kind === 'governance' && ask.interaction === 'as-seen';
}
