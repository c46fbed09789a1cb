import { parseArgs } from 'node:util';
import { accountShown, decideMatch, type MatchingActor, matchingQueue, type Waiting } from '../matching.ts';
import { withService } from '../wire.ts';
import { type Command, print, UsageError } from './command.ts';

export const matchingCommand: Command = {
  name: 'matching',
  summary: 'patients who wait to be matched to a person: matching [confirm|reject ...]',
  usage: `mcr matching [SOURCE] [--show-demographics --by NAME --reason TEXT] [--json]
mcr matching confirm SOURCE LOCAL-ID PERSON --by NAME --reason TEXT
mcr matching reject SOURCE LOCAL-ID PERSON --by NAME --reason TEXT

Lists patients without a verified NHS number: source, local id, line of the last extract's table, number of candidates,
and whether one was confirmed. --show-demographics adds names and birth dates, as they are compared, and the candidates'
person ids; that is audited, an event a person, with --by and --reason. TEXT must not name anybody.
confirm takes effect with the source's next extract. reject takes a candidate from the list; where it had been confirmed,
what was matched is hidden at once and gone with the next extract. Nothing is ever matched automatically.`,
  async run(words) {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        'show-demographics': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        by: { type: 'string' },
        reason: { type: 'string' },
      },
    });
    const [verb] = positionals;
    const actor = actorOf(values.by, values.reason);
    if (verb === 'confirm' || verb === 'reject') {
      const [, source, localId, personId] = positionals;
      const whole = source !== undefined && localId !== undefined && personId !== undefined;
      if (!whole || positionals.length > 4 || actor === undefined) throw new UsageError(this.usage);
      await withService((service) => decideMatch(service, verb, { source, localId, personId }, actor));
      print(verb === 'confirm' ? 'Confirmed: it takes effect with the next extract.' : 'Rejected.');
      return 0;
    }
    const shows = values['show-demographics'];
    if (positionals.length > 1 || (shows && actor === undefined)) throw new UsageError(this.usage);
    const waiting = await withService(async (service) => {
      const found = await matchingQueue(service, verb);
      if (shows && actor !== undefined) await accountShown(service, found, actor);
      return found;
    });
    const lines = waiting.map((each) => (shows ? withDemographics(each) : withoutDemographics(each)));
    if (values.json) print(JSON.stringify(lines, undefined, 2));
    else for (const line of lines) print(textOf(line));
    return 0;
  },
};

function actorOf(by: string | undefined, reason: string | undefined): MatchingActor | undefined {
  const given = { by: by?.trim() ?? '', reason: reason?.trim() ?? '' };
  return given.by === '' || given.reason === '' ? undefined : given;
}

interface Line {
  readonly source: string;
  readonly localId: string;
  readonly line?: number;
  readonly reason: string;
  readonly candidates: number;
  readonly confirmed: boolean;
  readonly demographics?: readonly string[];
}

/** Nothing that says who somebody is. */
export function withoutDemographics(waiting: Waiting): Line {
  const { source, localId, line, reason, candidates, confirmed } = waiting;
  const people = new Set(candidates.map(({ personId }) => personId));
  return {
    source,
    localId,
    ...(line !== undefined && { line }),
    reason,
    candidates: people.size,
    confirmed: confirmed !== undefined,
  };
}

function withDemographics(waiting: Waiting): Line {
  const own = waiting.names.map((name) => `waiting   ${Object.values(name).join(' ')}`);
  const others = waiting.candidates.map(
    ({ personId, demographics: { birthDate, family, given } }) =>
      `candidate ${personId} ${birthDate} ${family} ${given}`,
  );
  return { ...withoutDemographics(waiting), demographics: [...own, ...others] };
}

function textOf({ source, localId, line, reason, candidates, confirmed, demographics = [] }: Line): string {
  const head =
    `${source.padEnd(20)} ${localId.padEnd(20)} line ${String(line ?? '-').padEnd(7)} ${reason.padEnd(14)} ` +
    `${candidates} candidate(s)${confirmed ? ', one confirmed: waits for the next extract' : ''}`;
  return [head, ...demographics.map((each) => `    ${each}`)].join('\n');
}
