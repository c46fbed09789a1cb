import type { Ask } from '../access/ask.ts';
import { decide, type Grant } from '../access/decide.ts';
import type { Facts } from '../access/facts.ts';
import { personFor } from '../access/person-asked.ts';
import { Problem } from '../fhir/problem.ts';
import { accountFor } from './account.ts';
import { auditPage } from './audit-page.ts';
import { readable, visible } from './audit-rows.ts';
import { type Answer, notFound, partOf } from './composition.ts';
import type { Accounted } from './disclose.ts';
import type { DisclosePorts } from './ports.ts';
import { refuse } from './refuse.ts';
import type { DisclosureRequest } from './request.ts';
import { countPerson } from './sweeps.ts';

/**
 * AuditEvents by time, and by person where one is named: for officers of the desks, within their organisation, and for
 * people about themselves. Reading the log is accounted for like any other look (BALP).
 */
export async function discloseAuditEvents(
  ports: DisclosePorts,
  request: DisclosureRequest,
): Promise<Accounted> {
  if (request.as !== undefined && request.caller.kind !== 'governance')
    throw new Problem(
      'not-acceptable',
      'The audit log is written as a table for information governance only.',
    );
  const ask = { ...request.ask, person: personFor(request.caller, request.ask) };
  const facts = await ports.store.facts(ask.person, request.caller);
  const decision = decide(request.caller, ask, facts);
  if (decision.outcome === 'refused') return refuse(ports, request, facts, decision);
  const answer =
    ask.id === undefined
      ? await auditPage(ports, request, facts, decision.grant)
      : await one(ports, facts, ask, ask.id, decision.grant);
  const shown = answer.released.length > 0 ? decision.grant.personIds[0] : undefined;
  const asked = await countPerson(ports, request, shown);
  const receipt = await accountFor(ports, request, facts, decision.grant, answer, asked);
  if (answer.problem !== undefined) throw answer.problem;
  const { body, next } = answer;
  return { body, receipt, ...(next !== undefined && { next }) };
}

async function one(
  ports: DisclosePorts,
  facts: Facts,
  { results }: Ask,
  id: string,
  grant: Grant,
): Promise<Answer> {
  const event = await readable(() => ports.auditReader.event(id));
  const [row] = event === undefined ? [] : await visible(ports, facts, grant, [event]);
  if (row === undefined) return { problem: notFound(), released: [] };
  const body = partOf(row.text, results);
  return { body, released: [{ madeOf: [row.row], text: body }] };
}
