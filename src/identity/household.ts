/** Where somebody lives, as it is compared between people: for monitoring who looks at whom, never to tell who is who. */

/** The members of a FHIR Address that are looked at. */
export interface PlaceOfLiving {
  readonly use?: string;
  readonly line?: readonly (string | null)[];
  readonly postalCode?: string;
  readonly extension?: readonly AddressExtension[];
}

interface AddressExtension {
  readonly url: string;
  readonly extension?: readonly {
    readonly url: string;
    readonly valueString?: string;
    readonly valueCodeableConcept?: { readonly coding?: readonly { readonly code?: string }[] };
    readonly valueCoding?: { readonly code?: string };
  }[];
}

const FORMER = new Set(['old', 'temp', 'billing']);

/**
 * Keys of the homes among addresses: the UPRN where it is given (UK Core's address key), and postcode with house.
 *
 * @returns each once; none for an address without either
 */
export function householdKeys(addresses: readonly PlaceOfLiving[]): readonly string[] {
  const homes = addresses.filter(({ use }) => use === undefined || !FORMER.has(use));
  return [...new Set(homes.flatMap((home) => [...uprns(home), ...postal(home)]))];
}

function postal({ line = [], postalCode = '' }: PlaceOfLiving): string[] {
  const postcode = plain(postalCode);
  const house = houseOf(line.find((each) => each !== null && plain(each) !== '') ?? '');
  return postcode === '' || house === '' ? [] : [`${postcode} ${house}`];
}

/** The number that a line begins with, however the street is spelt; else all of the line. */
function houseOf(line: string): string {
  return /^\s*(\d+\s?[a-z]?)\b/i.exec(line)?.[1]?.replace(/\s/g, '').toLowerCase() ?? plain(line);
}

function uprns({ extension = [] }: PlaceOfLiving): string[] {
  return extension
    .filter(({ url }) => url.endsWith('AddressKey'))
    .flatMap(({ extension: parts = [] }) => {
      const isUprn = parts.some(({ valueCodeableConcept, valueCoding }) =>
        [valueCoding, ...(valueCodeableConcept?.coding ?? [])].some((coding) => coding?.code === 'UPRN'),
      );
      const value = parts.find(({ valueString }) => valueString !== undefined)?.valueString ?? '';
      return isUprn && /^\d{1,12}$/.test(value) ? [`uprn ${Number(value)}`] : [];
    });
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
