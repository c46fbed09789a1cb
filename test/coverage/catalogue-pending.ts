/** A case that no test covers, or not all of, and why. */
export interface Pending {
  readonly reason: string;
  /** a test covers the part of it that can be covered today */
  readonly inPart?: true;
}

/** Said as it is: none of these counts as covered. A case with a test that covers all of it must not stand here. */
export const PENDING: Readonly<Record<string, Pending>> = {
  'C-08': {
    inPart: true,
    reason: 'every path of the API; a page of the viewer that was left open waits for the viewer',
  },
};
