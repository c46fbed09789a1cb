import { lastUpdatedOf } from '../fhir/last-updated.ts';
import { historyBundle } from './bundle.ts';
import { type Answer, type Composition, notFound, partOf } from './composition.ts';
import { shownAs } from './merged.ts';
import { pathOf } from './page.ts';
import type { Row } from './ports.ts';
import { leaveOut } from './redact.ts';

/**
 * Earlier versions of a resource. Only what may be seen now has a history, and of it only the versions that may be seen:
 * what was labelled, withdrawn or taken out since is not found by its past either (attack catalogue S-26, C-08).
 */

interface Version extends Row {
  readonly body: string;
  readonly madeOf: readonly Row[];
}

/** Versions of the resource that may be seen, newest first. */
async function versionsOf({ ports, request, grant, asked }: Composition): Promise<readonly Version[]> {
  const [current] = asked;
  const { ask } = request;
  if (current === undefined || ask.id === undefined) return [];
  const stored = await ports.store.versions(grant, ask.type, ask.id);
  return stored.flatMap((each): Version[] => {
    const row = shownAs(grant, each);
    if (row.body === undefined || row.source !== current.source || !grant.permits(row)) return [];
    return [{ ...row, body: leaveOut(row.body, grant.hiddenElements(row)), madeOf: [row] }];
  });
}

/** `Type/id/_history/version` (R4 http.html#vread). */
export async function versionAnswer(composition: Composition): Promise<Answer> {
  const { ask } = composition.request;
  const version = (await versionsOf(composition)).find((each) => each.version === ask.version);
  if (version === undefined) return { problem: notFound(), released: [] };
  const lastModified = lastUpdatedOf(version.body);
  const body = partOf(version.body, ask.results);
  return {
    body,
    released: [{ madeOf: version.madeOf, text: body }],
    waited: true,
    ...(lastModified !== undefined && { lastModified }),
  };
}

/** `Type/id/_history` (R4 http.html#history), a page of it. */
export async function historyAnswer(composition: Composition): Promise<Answer> {
  const { ports, request, facts } = composition;
  const { ask, again } = request;
  const all = await versionsOf(composition);
  const wanted = all.filter((_version, index) => wasCurrent(all, index, ask.versionsFrom));
  const rest =
    ask.after === undefined ? wanted : wanted.filter(({ version }) => version < Number(ask.after?.lastKey));
  const page = ask.results?.summary === 'count' ? [] : rest.slice(0, ask.count);
  const last = page.at(-1);
  const next =
    last === undefined || rest.length <= page.length
      ? undefined
      : ports.pageTokens.seal(
          { question: again, after: { publication: facts.publication, lastKey: String(last.version) } },
          request.caller,
          facts.now,
        );
  const texts = page.map(({ body: text }) => partOf(text, ask.results));
  const body = historyBundle({
    baseUrl: ports.baseUrl,
    self: request.self,
    ...(next === undefined ? {} : { next: `${pathOf(again)}?_page=${next}` }),
    total: wanted.length,
    entries: page.map(({ type, id, version, body: stored }, place) => ({
      type,
      id,
      version,
      lastModified: new Date(storedAt(stored)).toISOString(),
      body: texts[place] ?? '',
    })),
    now: facts.now,
  });
  const released = page.map(({ madeOf }, place) => ({ madeOf, text: texts[place] ?? '' }));
  return { body, released, waited: true };
}

/** A version is current from its own beginning to that of the next one. */
function wasCurrent(
  versions: readonly Version[],
  index: number,
  asked: { readonly from: number; readonly to: number } | undefined,
): boolean {
  if (asked === undefined) return true;
  const [own, next] = [versions[index], versions[index - 1]];
  const from = own === undefined ? Number.NaN : storedAt(own.body);
  const to = next === undefined ? Number.POSITIVE_INFINITY : storedAt(next.body);
  return from < asked.to && to > asked.from;
}

/** `meta.lastUpdated`, which every stored text has. */
function storedAt(body: string): number {
  return lastUpdatedOf(body) ?? 0;
}
