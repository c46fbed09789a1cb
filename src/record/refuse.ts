import type { Refused } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import type { Problem } from '../fhir/problem.ts';
import { accounted, accountRefusal } from './account.ts';
import { composeRefused } from './answer.ts';
import { notFound } from './composition.ts';
import type { Accounted } from './disclose.ts';
import type { DisclosePorts } from './ports.ts';
import type { DisclosureRequest } from './request.ts';
import { countPerson } from './sweeps.ts';

/**
 * A refusal is audited as fully as a read. Some are answers: a search for nobody is empty, not an error.
 *
 * @throws Problem as the refusal table of DESIGN 4 says, accounted for
 */
export async function refuse(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  decision: Refused,
): Promise<Accounted> {
  const asked = await countRefused(ports, request, decision);
  const receipt = await accountRefusal(ports, request, facts, decision, asked);
  const answer = composeRefused(ports, request, facts, decision.refusal);
  if (answer.problem !== undefined) throw accounted(answer.problem);
  return { body: answer.body, receipt };
}

/**
 * The same of a question about the log itself, which has no empty answer.
 *
 * @returns the problem to throw, accounted for
 */
export async function refusalOf(
  ports: DisclosePorts,
  request: DisclosureRequest,
  facts: Facts,
  decision: Refused,
  asked?: string,
): Promise<Problem> {
  await accountRefusal(ports, request, facts, decision, asked);
  return accounted(composeRefused(ports, request, facts, decision.refusal).problem ?? notFound());
}

/** What was refused whoever was asked for says nothing of anybody. @returns who was counted anew */
export async function countRefused(
  ports: DisclosePorts,
  request: DisclosureRequest,
  { refusal }: Refused,
): Promise<string | undefined> {
  return refusal.aboutPerson ? countPerson(ports, request) : undefined;
}
