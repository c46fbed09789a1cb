import type { Composition, Narrative } from '@medplum/fhirtypes';
import { NHS_NUMBER_SYSTEM } from '../../identity/nhs-number.ts';
import { all, at, type Json, joined, londonTime, text } from './reading.ts';
import type { RecordRows } from './rows.ts';
import { compositionSection, type Section } from './sections.ts';
import { mayBeMore, notShownWords, type SourceStates, sourcesSection } from './sources.ts';
import { narrative, paragraph, table } from './xhtml.ts';

export interface CompositionParts {
  readonly id: string;
  readonly now: number;
  readonly patientId: string;
  readonly patient: Json;
  readonly sections: readonly Section[];
  readonly record: RecordRows;
  readonly states: SourceStates;
  /** not all that the entries refer to is in the document */
  readonly cut: boolean;
  /** claims the profile of IPS */
  readonly conforms: boolean;
}

const PROFILE = 'http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips';
const NAME = 'My Care Record';

/** The service, as the author is: what it says is put together by a program, and nobody has attested it. */
const AUTHOR = {
  type: 'Device',
  identifier: { system: 'https://mycarerecord.example/Id/system', value: 'my-care-record' },
  display: NAME,
} as const;

/** The partnership, as who keeps the record. */
const CUSTODIAN = {
  type: 'Organization',
  identifier: { system: 'https://mycarerecord.example/Id/organization', value: 'my-care-record' },
  display: NAME,
} as const;

/** The first resource of the document (R4 composition.html, IPS Composition-uv-ips). */
export function composition(parts: CompositionParts): Composition {
  const { id, patientId, sections, record, states } = parts;
  const date = new Date(parts.now).toISOString();
  return {
    resourceType: 'Composition',
    id,
    ...(parts.conforms && { meta: { profile: [PROFILE] } }),
    language: 'en-GB',
    text: overview(parts),
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${id}` },
    status: 'final',
    type: {
      coding: [{ system: 'http://loinc.org', code: '60591-5', display: 'Patient summary Document' }],
    },
    subject: { reference: `Patient/${patientId}` },
    date,
    author: [AUTHOR],
    title: 'International Patient Summary',
    confidentiality: 'N',
    custodian: CUSTODIAN,
    event: [
      {
        code: [
          {
            coding: [
              {
                system: 'http://terminology.hl7.org/CodeSystem/v3-ActClass',
                code: 'PCPR',
                display: 'care provision',
              },
            ],
          },
        ],
        period: { end: date },
      },
    ],
    section: [
      ...sections.map((section) => compositionSection(section, record, states)),
      sourcesSection(states),
    ],
  };
}

/** Whom the summary is about, what is in it and how to read it. */
function overview({ patient, sections, states, now, cut }: CompositionParts): Narrative {
  const about = [
    ['Name', nameOf(patient)],
    ['NHS number', nhsNumber(patient)],
    ['Born', text(patient, 'birthDate')],
    ['Summary made', `${londonTime(now)} (London)`],
  ].filter(([, value]) => value !== '');
  const none = states.missing > 0 ? 'not known' : 'none recorded in what is shared';
  const counts = sections.map(({ rule, rows, older, withheld }) => [
    rule.title,
    rows.length === 0
      ? withheld
        ? 'not shown here'
        : none
      : `${rows.length}${older > 0 ? ` of ${rows.length + older}` : ''}`,
  ]);
  const words = [
    'Put together by a program from what the partners share; nobody has checked it. A section without entries does not mean that there is nothing.',
    mayBeMore(states),
    notShownWords(states),
    cut ? 'Not everything that the entries refer to is in this document; it is in the record.' : undefined,
  ];
  return narrative(
    table(['Detail', 'As it is'], about),
    ...words.filter((each) => each !== undefined).map(paragraph),
    table(['Section', 'Entries'], counts),
  );
}

/** The official name, else the first. */
function nameOf(patient: Json): string {
  const names = all(patient, 'name');
  const name = names.find((each) => text(each, 'use') === 'official') ?? names[0];
  const given = all(name, 'given').filter((each) => typeof each === 'string');
  return text(name, 'text') || joined(' ', ...given, text(name, 'family'));
}

function nhsNumber(patient: Json): string {
  const identifiers = all(patient, 'identifier');
  return text(
    identifiers.find((each) => at(each, 'system') === NHS_NUMBER_SYSTEM),
    'value',
  );
}
