import type {
  Location,
  Organization,
  Practitioner,
  PractitionerRole,
  Reference,
  Resource,
} from '@medplum/fhirtypes';
import { snomed } from './clinical-codes.ts';
import type { CountyOrganisation, FhirSourceCode } from './model.ts';
import { OUT_OF_HOURS, organisation, PRACTICES } from './model.ts';
import { BOYS, GIRLS, SURNAMES } from './names.ts';
import { Random } from './random.ts';
import { meta } from './sheet.ts';

/** Who works in the county and where: invented people at real and invented places. Social care sends none of this. */

interface Workplace {
  readonly code: string;
  readonly staff: number;
  readonly role: readonly [code: string, display: string];
  readonly sites: readonly string[];
}

const GENERAL_PRACTITIONER = ['62247001', 'General practitioner'] as const;

const surgery = (org: CountyOrganisation): Workplace => ({
  code: org.code,
  staff: 4,
  role: GENERAL_PRACTITIONER,
  sites: [org.name],
});

const WORKPLACES: Readonly<Record<FhirSourceCode, readonly Workplace[]>> = {
  gp: PRACTICES.map(surgery),
  acute: [
    {
      code: 'RXQ',
      staff: 10,
      role: ['309343006', 'Physician'],
      sites: ['Stoke Mandeville Hospital', 'Wycombe Hospital'],
    },
  ],
  community: [
    {
      code: 'RXQ',
      staff: 10,
      role: ['158997000', 'District nurse'],
      sites: ['Amersham Hospital', 'Buckingham Community Hospital', 'Marlow Community Hospital'],
    },
  ],
  'mental-health': [
    {
      code: 'RNU',
      staff: 10,
      role: ['80584001', 'Psychiatrist'],
      sites: ['Whiteleaf Centre', 'Amersham Hospital'],
    },
  ],
  'adult-social-care': [],
  ambulance: [
    {
      code: 'RYE',
      staff: 8,
      role: ['397897005', 'Paramedic'],
      sites: ['Ambulance station, Stoke Mandeville'],
    },
  ],
  'out-of-hours': [
    { code: OUT_OF_HOURS, staff: 6, role: GENERAL_PRACTITIONER, sites: ['Out-of-hours clinic, Aylesbury'] },
  ],
};

const PLACES = new Map(
  Object.values(WORKPLACES).flatMap((all) => all.map((one) => [one.code, one] as const)),
);

/** Both feeds of the trust RXQ list the same people. */
export function practitionerReference(code: string, n: number): Reference<Practitioner> {
  const staff = PLACES.get(code)?.staff ?? 1;
  return { reference: `Practitioner/${code}-staff-${(n % staff) + 1}` };
}

export function locationReference(source: FhirSourceCode, code: string, n: number): Reference<Location> {
  const sites = WORKPLACES[source].find((one) => one.code === code)?.sites ?? [];
  const nth = n % Math.max(sites.length, 1);
  return { reference: `Location/${code}-site-${nth + 1}`, display: sites[nth] ?? '' };
}

function organizationRow(org: CountyOrganisation): Organization {
  return {
    resourceType: 'Organization',
    id: org.code,
    meta: meta('Organization'),
    identifier: [{ system: org.system, value: org.code }],
    active: true,
    name: org.name,
  };
}

function locationRow(org: CountyOrganisation, name: string, n: number): Location {
  return {
    resourceType: 'Location',
    id: `${org.code}-site-${n}`,
    meta: meta('Location'),
    status: 'active',
    name,
    mode: 'instance',
    managingOrganization: { reference: `Organization/${org.code}` },
  };
}

function staffRows(
  seed: number,
  org: CountyOrganisation,
  place: Workplace,
  n: number,
): [Practitioner, PractitionerRole] {
  const random = new Random(seed, `staff ${org.code}`, n);
  const id = `${org.code}-staff-${n}`;
  const female = random.chance(0.5);
  const given = random.pick(female ? GIRLS : BOYS);
  const family = random.pick(SURNAMES);
  return [
    {
      resourceType: 'Practitioner',
      id,
      meta: meta('Practitioner'),
      identifier: [
        { system: `https://${org.code.toLowerCase()}.buckinghamshire.example/Id/staff`, value: id },
      ],
      active: true,
      name: [{ use: 'official', family, given: [given] }],
      gender: female ? 'female' : 'male',
    },
    {
      resourceType: 'PractitionerRole',
      id: `${id}-role`,
      meta: meta('PractitionerRole'),
      active: true,
      practitioner: { reference: `Practitioner/${id}`, display: `${given} ${family}` },
      organization: { reference: `Organization/${org.code}`, display: org.name },
      code: [snomed(...place.role)],
      location: [{ reference: `Location/${org.code}-site-1` }],
    },
  ];
}

/** The directory files of a source; empty for social care: a directory must not betray who has a social worker. */
export function directoryRows(source: FhirSourceCode, seed: number): Resource[] {
  const rows: Resource[] = [];
  for (const place of WORKPLACES[source]) {
    const org = organisation(place.code);
    rows.push(organizationRow(org));
    place.sites.forEach((site, nth) => {
      rows.push(locationRow(org, site, nth + 1));
    });
    for (let n = 1; n <= place.staff; n++) rows.push(...staffRows(seed, org, place, n));
  }
  return rows;
}
