import type {
  CodeableConcept,
  Coding,
  Identifier,
  Meta,
  Organization,
  Patient,
  Reference,
  Resource,
} from '@medplum/fhirtypes';
import type { Day } from './calendar.ts';
import { instantText } from './calendar.ts';
import type { CountyOrganisation, FhirSourceCode } from './model.ts';
import { organisation } from './model.ts';
import type { County, Person } from './person.ts';
import { Random } from './random.ts';

/** What rows of every FHIR source have in common: ids, tags, profiles, references. */

export const HTEST: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
  code: 'HTEST',
};
export const RESTRICTED: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  code: 'R',
  display: 'restricted',
};
export const NOT_FOR_PATIENT: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  code: 'NOPAT',
  display: 'no disclosure to patient, family or caregivers without attending provider’s authorization',
};

const PLAIN = new Map<string, Meta>();

/** @param profile name of a UK Core profile (`Observation-Lab`); without one the resource claims none */
export function meta(profile?: string, label?: Coding): Meta {
  const key = profile ?? '';
  let plain = PLAIN.get(key);
  if (plain === undefined) {
    const claimed =
      profile === undefined
        ? {}
        : { profile: [`https://fhir.hl7.org.uk/StructureDefinition/UKCore-${profile}`] };
    plain = { ...claimed, tag: [HTEST] };
    PLAIN.set(key, plain);
  }
  return label === undefined ? plain : { ...plain, security: [label] };
}

/** First letters of a source's ids, so that no two sources happen to share one. */
const PREFIX: Readonly<Record<FhirSourceCode, string>> = {
  gp: 'g',
  acute: 'h',
  community: 'c',
  'mental-health': 'm',
  'adult-social-care': 's',
  ambulance: 'v',
  'out-of-hours': 'o',
};

export function patientId(source: FhirSourceCode, index: number): string {
  return `${PREFIX[source]}${index}`;
}

/** A partner's own numbering of its people. */
export function recordSystem(source: FhirSourceCode): string {
  return `https://${source}.buckinghamshire.example/Id/record-number`;
}

/** @param listed whether the source's directory files hold the organisation */
export function organisationReference(org: CountyOrganisation, listed: boolean): Reference<Organization> {
  return {
    ...(listed ? { reference: `Organization/${org.code}` } : {}),
    identifier: { system: org.system, value: org.code },
    display: org.name,
  };
}

export const FINAL = 'final' as const;
export const text = (words: string): CodeableConcept => ({ text: words });

export function category(system: string, code: string, display: string): CodeableConcept[] {
  return [{ coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code, display }] }];
}

/** One person's rows of one source, being written. */
export class Sheet {
  readonly rows: Resource[] = [];
  readonly source: FhirSourceCode;
  readonly person: Person;
  readonly county: County;
  readonly random: Random;
  readonly patient: Reference<Patient>;
  /** the organisation that the rows belong to */
  readonly owner: CountyOrganisation;
  readonly #counts = new Map<string, number>();

  constructor(source: FhirSourceCode, owner: string, person: Person, county: County) {
    this.source = source;
    this.person = person;
    this.county = county;
    this.random = new Random(county.seed, source, person.index);
    this.patient = { reference: `Patient/${patientId(source, person.index)}` };
    this.owner = organisation(owner);
  }

  /** `kind` and `id` of the next row of a type: stable as long as the person has as many rows of it */
  id(kind: string): string {
    const nth = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, nth);
    return `${patientId(this.source, this.person.index)}-${kind}-${nth}`;
  }

  add<T extends Resource>(row: T): T {
    this.rows.push(row);
    return row;
  }

  identifier(id: string): Identifier[] {
    return [{ system: recordSystem(this.source), value: id }];
  }

  /** A day on which something happened to the person: the nearer, the likelier; never before birth or after death. */
  day(years = 8): Day {
    // two days before the anchor, so that what takes some hours is over by then
    const last = Math.min(this.county.anchor - 2, this.person.deceasedDay ?? this.county.anchor);
    const first = Math.max(this.person.birthDay, last - Math.floor(years * 365.25));
    const back = this.random.next();
    return last - Math.floor(back * back * Math.max(last - first, 0));
  }

  /** a time of that day when people are at work */
  at(day: Day): string {
    return instantText(day, this.random.whole(480, 1080));
  }

  /** the owner in short, where only its name matters */
  provider(): Reference<Organization> {
    return { reference: `Organization/${this.owner.code}`, display: this.owner.name };
  }

  /** the owner by its code, as the Patient names it */
  owned(): Reference<Organization> {
    return organisationReference(this.owner, this.source !== 'adult-social-care');
  }
}
