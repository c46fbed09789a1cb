import { Problem } from '../fhir/problem.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An id that is well formed and cannot be one of ours takes the same way as one that is nobody's. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

/** @returns the id, or that of nobody where it cannot be one that we gave */
export function idOfOurs(id: string): string {
  return UUID.test(id) ? id : NOBODY;
}

/** @throws Problem `invalid` for what is no FHIR id */
export function requireId(id: string): string {
  if (/^[A-Za-z0-9\-.]{1,64}$/.test(id)) return id;
  throw new Problem('invalid', 'The id is not a FHIR id.', { expression: ['id'] });
}
