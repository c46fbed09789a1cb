import type { Grant } from '../access/decide.ts';
import type { Row } from './ports.ts';

/**
 * Merged people are shown as one, under the id of the number in force (DESIGN 14). Their rows stay where they are: the
 * subject is rewritten on the way out.
 */

/** A row as it is shown: of somebody who was merged away it says that it is about whoever they were merged with. */
export function shownAs<R extends Row>(grant: Grant, row: R): R {
  const [current] = grant.personIds;
  if (current === undefined || row.personId === '' || row.personId === current) return row;
  if (!grant.personIds.includes(row.personId)) return row;
  const { body, line } = row;
  return {
    ...row,
    ...(body === undefined ? {} : { body: aboutInstead(body, row.personId, current) }),
    ...(line === undefined ? {} : { line: aboutInstead(line, row.personId, current) }),
    subject: current,
  };
}

/** Ids of people are our own and random: nothing but a reference looks like one. */
export function aboutInstead(text: string, personId: string, subject: string): string {
  return text.replaceAll(`Patient/${personId}`, `Patient/${subject}`);
}

/**
 * The id of a person who was merged away, where the question names the Patient by it.
 *
 * @returns undefined where the question is not about that Patient alone, or names the current one
 */
export function mergedAwayId({ ask, personIds: [current] }: Grant): string | undefined {
  if (ask.type !== 'Patient' || ask.person.by !== 'person-id' || ask.person.id === current) return undefined;
  return ask.interaction === 'read' || ask.interaction === 'search-type' ? ask.person.id : undefined;
}

/** What is left under the id of a person who was merged away: where their record is now, and nothing of it. */
export function replacedBy(id: string, current: string): object {
  return {
    resourceType: 'Patient',
    id,
    active: false,
    link: [{ other: { reference: `Patient/${current}` }, type: 'replaced-by' }],
  };
}
