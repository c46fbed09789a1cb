import { outcomeIssue } from '../fhir/outcome.ts';
import { type EntryText, searchset } from './bundle.ts';
import { type Answer, type Composition, isCounted, partOf } from './composition.ts';
import { includedWith } from './includes.ts';
import { fromPageStart, matchesOf, type Placed } from './matches.ts';
import { withBodies } from './texts.ts';

/** One page of a search or of a whole record: matched, ordered, cut, joined by what comes with it. */
export async function pageAnswer(composition: Composition): Promise<Answer> {
  const { ports, request, facts, grant, asked, visible, issues } = composition;
  const { ask } = request;
  const matches = await matchesOf(ports, grant, ask, asked, visible, facts.now);
  const total = isCounted(request) ? { total: matches.rows.length } : {};
  const common = { baseUrl: ports.baseUrl, self: request.self, ...total, now: facts.now };
  if (ask.results?.summary === 'count') {
    return { body: searchset({ ...common, entries: [], issues }), released: [], waited: matches.waited };
  }
  const rest = fromPageStart(matches.rows, ask);
  const onPage = rest.slice(0, ask.count);
  const rows = onPage.map(({ row }) => row);
  const included = await includedWith(ports, grant, ask.results?.includes ?? [], rows, visible);
  const all = [...rows, ...included.rows];
  const withTexts = await withBodies(ports, all);
  const entries = withTexts.map((row, index): EntryText => {
    const mode = index < rows.length ? 'match' : 'include';
    // members named for the type searched are no members of what comes with it
    const whole = mode === 'include' && ask.results?.elements !== undefined;
    const text = {
      type: row.type,
      id: row.id,
      body: whole ? row.body : partOf(row.body, ask.results),
      mode,
    } as const;
    return ask.interaction === 'match' ? { ...text, certain: true } : text;
  });
  const next = rest.length > onPage.length ? nextLink(composition, onPage.at(-1)) : undefined;
  const body = searchset({
    ...common,
    ...(next === undefined ? {} : { next }),
    entries,
    issues: included.truncated ? [...issues, TRUNCATED] : issues,
  });
  const waited = matches.waited || included.waited || all.some((row) => row.body === undefined);
  const released = withTexts.map(({ madeOf }, index) => ({ madeOf, text: entries[index]?.body ?? '' }));
  return { body, released, waited };
}

/** Never silently: what comes along is bounded, and the answer says when it was cut (R4 search.html#include). */
const TRUNCATED = outcomeIssue({
  severity: 'warning',
  code: 'too-costly',
  reason: 'includes-truncated',
  text: 'More resources would come along than one page may hold. Search for them by their own type.',
});

function nextLink({ ports, request, facts }: Composition, last: Placed | undefined): string | undefined {
  if (last === undefined) return undefined;
  const { again, caller, ask } = request;
  const sorted = (ask.results?.sort.length ?? 0) > 0;
  const after = {
    publication: facts.publication,
    lastKey: last.key,
    ...(sorted ? { standing: last.standing } : {}),
  };
  const token = ports.pageTokens.seal({ question: again, after }, caller, facts.now);
  return `${pathOf(again)}?_page=${token}`;
}

/** Where a further page is asked: the address of the first one. */
export function pathOf({ interaction, type, id }: Composition['request']['again']): string {
  if (interaction === 'everything' || interaction === 'as-at') return `${type}/${id}/$${interaction}`;
  return interaction === 'history-instance' ? `${type}/${id}/_history` : type;
}
