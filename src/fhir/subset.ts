import { keepOnly } from './elements.ts';
import { DEFINITIONS } from './r4.ts';
import { summaryElements } from './search/indexed.ts';
import type { Summary } from './search/results.ts';
import { isServed } from './served.ts';

/**
 * A part of a resource, as `_elements` or `_summary` asks for it (R4 search.html#elements, #summary): what was asked for
 * and what is mandatory, tagged SUBSETTED. What a caller may not see is gone before.
 */

type Json = Readonly<Record<string, unknown>>;

export interface Part {
  readonly summary: Summary;
  readonly elements?: readonly string[];
}

/** Whether the whole resource is asked for. */
export function isWhole({ summary, elements }: Part): boolean {
  return elements === undefined && (summary === 'false' || summary === 'count');
}

/** A part as a request asks for it; undefined for the whole. */
export function partText(part: Part): string | undefined {
  if (isWhole(part)) return undefined;
  return part.elements === undefined ? `_summary=${part.summary}` : `_elements=${part.elements.join(',')}`;
}

/** What {@link partText} wrote. */
export function readPartText(text: string): Part | undefined {
  const [, name, value = ''] = /^(_summary|_elements)=(.+)$/.exec(text) ?? [];
  if (name === '_elements') return { summary: 'false', elements: value.split(',') };
  return name === '_summary' ? { summary: value as Summary } : undefined;
}

export function subsetOf<T extends object>(resource: T, part: Part): T {
  if (isWhole(part)) return resource;
  const type = String((resource as Json)['resourceType']);
  return withoutClaims(keepOnly(resource, membersKept(type, part, Object.keys(resource))));
}

/** A part need not have what a profile of the whole asks for. */
function withoutClaims<T extends object>(resource: T): T {
  const { profile, ...meta } = ((resource as Json)['meta'] ?? {}) as Json;
  return profile === undefined ? resource : { ...resource, meta };
}

function membersKept(
  type: string,
  { summary, elements }: Part,
  present: readonly string[],
): ReadonlySet<string> {
  const always = ['resourceType', 'id', 'meta', 'implicitRules', ...mandatory(type)];
  if (elements !== undefined) return new Set([...always, ...elements]);
  if (summary === 'text') return new Set([...always, 'text']);
  if (summary === 'data') return new Set(present.filter((name) => name !== 'text'));
  return new Set([...always, ...(isServed(type) ? summaryElements(type) : [])]);
}

/** Members that R4 requires, or that change what the rest means. */
function mandatory(type: string): readonly string[] {
  const { required = [], present = [], modifiers = [], choices = {} } = DEFINITIONS[type] ?? {};
  const all = [...required, ...present, ...modifiers];
  const chosen = Object.entries(choices).flatMap(([name, { min, members }]) =>
    min > 0 || all.includes(name) ? members : [],
  );
  return [...all, 'modifierExtension', ...chosen];
}
