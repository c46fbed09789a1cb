import { isSignatory } from '../access/days.ts';
import { type ContributionVerdict, judgeContribution } from '../identity/contribution.ts';
import type { IdentityTally } from './certificate.ts';
import type { LoadContext } from './context.ts';
import type { Contribution } from './records.ts';

const BATCH = 2_000;

/**
 * Finds out who the source's patients are: those of organisations that have not signed and those who may not be held
 * are set aside, the others are judged by NHS number.
 */
export async function identify(context: LoadContext, newPersonId: () => string): Promise<void> {
  const { policy, source, manifest, session, tally } = context;
  const { patients } = session;
  const custodians = await patients.custodians();
  const unsigned = custodians.filter((code) => !isSignatory(policy, code, manifest.businessDate));
  await patients.bar(unsigned, source.sector === 'social-care');
  let newPeople = 0;
  let after = '';
  for (;;) {
    const contributions = await patients.unjudged(after, BATCH);
    if (contributions.length === 0) break;
    after = contributions.at(-1)?.nhsNumber ?? after;
    newPeople += await patients.settle(
      contributions.map((contribution) => ({
        nhsNumber: contribution.nhsNumber,
        newPersonId: newPersonId(),
        verdict: judge(context, contribution),
      })),
    );
  }
  tally.identity = await identityTally(context, newPeople);
}

export function judge(context: LoadContext, contribution: Contribution): ContributionVerdict {
  const { source, policy } = context;
  const { candidates, established } = contribution;
  if (established === undefined) return judgeContribution(candidates, source.precedence, undefined);
  const by = [...policy.sources.values()].find((each) => each.number === established.source);
  return judgeContribution(candidates, source.precedence, {
    demographics: established.demographics,
    // a source that is no longer configured has no say over one that is
    precedence: by?.precedence ?? Number.MAX_SAFE_INTEGER,
    bySameSource: established.source === source.number,
  });
}

async function identityTally(context: LoadContext, newPeople: number): Promise<IdentityTally> {
  const counts = await context.session.patients.counts();
  const sum = (state: string): number =>
    counts.filter((each) => each.state === state).reduce((total, each) => total + each.count, 0);
  const byReason = (state: string): Readonly<Record<string, number>> =>
    Object.fromEntries(
      counts.filter((each) => each.state === state).map(({ reason, count }) => [reason, count]),
    );
  return {
    newPeople,
    accepted: sum('accepted'),
    quarantined: byReason('quarantined'),
    unmatched: sum('unmatched'),
    withheld: sum('withheld'),
    refused: byReason('refused'),
  };
}
