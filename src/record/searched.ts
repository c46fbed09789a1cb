import { Problem } from '../fhir/problem.ts';
import { searchLine } from '../fhir/search/extract.ts';
import type { Searched } from '../fhir/search/match.ts';
import type { Row } from './ports.ts';

const LINES = new WeakMap<Row, Searched>();

/**
 * A row as a search looks at it. A row from which elements were taken has lost its stored line (`redact.ts`): it is found
 * by what is left of it and by nothing else (attack catalogue C-16).
 *
 * @throws Problem `unavailable` where it has neither line nor text: it changed since it was found
 */
export function searchedRow(row: Row): Searched {
  let searched = LINES.get(row);
  if (searched === undefined) {
    searched = { type: row.type, id: row.id, line: row.line ?? searchLine(parsedBody(row)) };
    LINES.set(row, searched);
  }
  return searched;
}

function parsedBody({ body }: Row): object {
  if (body === undefined) {
    throw new Problem('unavailable', 'The record is changing just now. Try again shortly.', {
      retryAfter: 1,
    });
  }
  return JSON.parse(body) as object;
}
