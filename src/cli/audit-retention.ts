import { legalHolds, liftHold, placeHold, retireMonth } from '../retention.ts';
import { withService } from '../wire.ts';
import { print, UsageError } from './command.ts';

interface Said {
  readonly operator?: string | undefined;
  readonly approver?: readonly string[] | undefined;
  readonly reason?: string | undefined;
}

/** Legal holds on the audit log, and the retirement of its months. */
export async function retention(
  verb: 'holds' | 'hold' | 'lift' | 'retire',
  subjects: readonly string[],
  said: Said,
): Promise<number> {
  const [subject, second, ...more] = subjects;
  const wanted = { holds: 0, hold: 2, lift: 1, retire: 1 }[verb];
  if (subjects.length !== wanted || more.length > 0)
    throw new UsageError(`mcr audit ${verb} is called in another way: see mcr audit --help.`);
  switch (verb) {
    case 'holds':
      for (const hold of await withService(legalHolds))
        print(
          `${String(hold.id).padStart(6)}  ${hold.fromMonth.slice(0, 7)} to ${hold.toMonth.slice(0, 7)}  ${hold.placedAt}  ${hold.placedBy}: ${hold.reason}`,
        );
      return 0;
    case 'hold': {
      const by = decided(verb, said);
      const id = await withService((service) => placeHold(service, subject ?? '', second ?? '', by));
      print(`Hold ${id} is in force.`);
      return 0;
    }
    case 'lift': {
      const by = decided(verb, said);
      if (!/^[1-9]\d{0,14}$/.test(subject ?? '')) throw new UsageError('A hold is named by its number.');
      await withService((service) => liftHold(service, Number(subject), by));
      print(`Hold ${subject} is lifted.`);
      return 0;
    }
    case 'retire': {
      const { approver: approvers = [], reason = '' } = said;
      const events = await withService((service) =>
        retireMonth(service, subject ?? '', { approvers, reason }),
      );
      print(`${events} events of ${subject} are retired; their hashes and a signed tombstone stay.`);
      return 0;
    }
  }
}

function decided(verb: string, { operator, reason }: Said): { operator: string; reason: string } {
  if (operator === undefined || reason === undefined)
    throw new UsageError(`mcr audit ${verb} needs --operator and --reason: who decides, and why.`);
  return { operator, reason };
}
