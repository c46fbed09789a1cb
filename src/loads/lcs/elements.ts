/** Pieces of FHIR that several of a child's resources have. */

export interface MappedResource {
  readonly resourceType: string;
  readonly id: string;
  readonly [element: string]: unknown;
}

export type Reference = { readonly reference: string };
export type Owner = {
  readonly identifier: { readonly system: string; readonly value: string };
  readonly display: string;
};

export function reference(type: string, id: string): Reference {
  return { reference: `${type}/${id}` };
}

/** A period of whole days; nothing where neither is known. */
export function period(start: string, end: string): object {
  if (start === '' && end === '') return {};
  return { period: { ...(start !== '' && { start }), ...(end !== '' && { end }) } };
}

/** Of somebody at work; empty: not known. */
export function telecoms(telephone: string, email: string): object {
  const telecom = [
    ...(telephone === '' ? [] : [{ system: 'phone', value: telephone, use: 'work' }]),
    ...(email === '' ? [] : [{ system: 'email', value: email, use: 'work' }]),
  ];
  return telecom.length === 0 ? {} : { telecom };
}
