import type { Ask, PersonReference } from './ask.ts';
import type { Caller, GovernanceCaller, StaffCaller } from './caller.ts';
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

/** Whether a token that is for one person may be used for this one: it is, or it is for nobody in particular. */
export function isWithinToken(caller: Caller, person: PersonFacts, facts: Facts): boolean {
  if (caller.kind !== 'staff' && caller.kind !== 'governance') return true;
  return caller.about === undefined || isAbout(caller.about, person, facts);
}

/** Whether a token names this person: as the one it is for, or as the one that an application was launched for. */
export function isNamed(caller: StaffCaller | GovernanceCaller, person: PersonFacts, facts: Facts): boolean {
  if (caller.about !== undefined && !isAbout(caller.about, person, facts)) return false;
  const launchedFor = caller.kind === 'staff' ? caller.launchedFor : undefined;
  if (launchedFor !== undefined) return person.cluster.includes(launchedFor);
  return caller.about !== undefined;
}

function isAbout(about: string, person: PersonFacts, { aboutNumber }: Facts): boolean {
  return (
    person.cluster.includes(about) || (aboutNumber !== undefined && person.numbers.includes(aboutNumber))
  );
}
