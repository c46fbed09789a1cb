import type { Ask, PersonReference } from './ask.ts';
import type { Caller } from './caller.ts';
import { isDirectory } from './data-classes.ts';
import type { Facts, PersonFacts } from './facts.ts';

/**
 * The person whose facts are to be gathered for a question. A patient who names nobody means themselves; whoever else
 * they name is looked up like any other and then refused as unknown by the rule `person`.
 */
export function personFor(caller: Caller, ask: Ask): PersonReference {
  if (caller.kind === 'patient' && ask.person.by === 'none' && !isDirectory(ask.type)) {
    return { by: 'nhs-number', nhsNumber: caller.nhsNumber };
  }
  return ask.person;
}

/** The person a question is about, where somebody is known by that id or number. A directory is about nobody. */
export function personAsked(ask: Ask, facts: Facts): PersonFacts | undefined {
  if (isDirectory(ask.type) || facts.person === 'unknown' || facts.person === 'absent') return undefined;
  return facts.person;
}

/** Whether one of the caller's own numbers is among the person's, superseded ones included. */
export function sharesNumber(callerNumbers: readonly string[], numbers: readonly string[]): boolean {
  return callerNumbers.some((number) => numbers.includes(number));
}
