import { londonDay } from './fhir/london.ts';
import type { NumberPair } from './identity/number-changes.ts';
import { readKeptApart, readNumberChanges, readUnmerges } from './loads/number-changes.ts';
import { doneHere } from './operator-event.ts';
import {
  endNumberChanges,
  type LinkCounts,
  storeKeptApart,
  storeNumberChanges,
} from './storage/number-changes.ts';
import type { Service } from './wire.ts';

/** Who is one person: what operators say of numbers, audited before it counts. No answer or event names a number. */

type Desk = Pick<Service, 'database' | 'account'>;

/** @throws Error with a sentence for each line of the file that cannot be taken; nothing is changed then */
export async function loadNumberChanges(desk: Desk, file: string): Promise<LinkCounts> {
  const changes = await readNumberChanges(file, londonDay(Date.now()));
  const merged = changes.filter(({ kind }) => kind === 'merged').length;
  await accountFor(desk, 'NHS numbers superseded and merged', {
    superseded: changes.length - merged,
    merged,
  });
  return storeNumberChanges(desk.database, changes);
}

/** @throws Error as for changes, and where a pair is not in force */
export async function unmergeNumbers(desk: Desk, file: string): Promise<LinkCounts> {
  const pairs = await readUnmerges(file);
  await accountFor(desk, 'Changes of NHS numbers taken back', { pairs: pairs.length });
  return endNumberChanges(desk.database, pairs);
}

/** @returns pairs that the file has. @throws Error as for changes */
export async function keepNumbersApart(desk: Desk, file: string): Promise<number> {
  const pairs: readonly NumberPair[] = await readKeptApart(file);
  await accountFor(desk, 'NHS numbers never to be linked', { pairs: pairs.length });
  await storeKeptApart(desk.database, pairs);
  return pairs.length;
}

async function accountFor(
  { account }: Desk,
  description: string,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  await account(
    doneHere({
      what: 'configuration',
      description,
      details: Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)])),
    }),
  );
}
