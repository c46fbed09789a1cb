import t from 'tap';
import type { Message } from './judge.ts';
import { groups, resourcesIn, type Verdict, verdictOf } from './report.ts';

const said = (message: string, id = 'Terminology_PassThrough_TX_Message'): Message => ({
  ...{ file: 'a.json', severity: 'warning', location: 'Bundle.entry[0]', id, message },
});

t.test('only what cannot be looked up without a terminology server is counted as that', async (t) => {
  const table: readonly (readonly [Verdict, Message])[] = [
    ['terminology', said("Unable to expand: CodeSystem 'http://snomed.info/sct' is ignored/not-present")],
    [
      'warning',
      said(
        "Unable to expand: CodeSystem 'https://mycarerecord.example/fhir/CodeSystem/x' is ignored/not-present",
      ),
    ],
    [
      'terminology',
      said("CodeSystem is unknown and can't be validated: https://dmd.nhs.uk for 'https://dmd.nhs.uk#1'"),
    ],
    [
      'warning',
      said(
        "CodeSystem is unknown and can't be validated: https://mycarerecord.example/fhir/CodeSystem/x for 'y'",
      ),
    ],
    [
      'terminology',
      said(
        "None of the codings provided are in the value set 'X' (codes = http://loinc.org#1-8, http://snomed.info/sct#2)",
        'Terminology_TX_NoValid_2_CC',
      ),
    ],
    [
      'warning',
      said(
        "None of the codings provided are in the value set 'X' (codes = http://loinc.org#1-8, http://hl7.org/fhir/flag#y)",
        'Terminology_TX_NoValid_2_CC',
      ),
    ],
    [
      'terminology',
      said(
        "The Coding provided (http://snomed.info/sct#2) was not found in the value set 'X'",
        'Terminology_TX_NoValid_13',
      ),
    ],
    [
      'error',
      { ...said("Unknown code 'http://hl7.org/fhir/administrative-gender#banana'"), severity: 'error' },
    ],
    [
      'terminology',
      {
        ...said(
          'Element matches more than one slice - valueset-PaLM, valueset-PBCL',
          'Validation_VAL_Profile_MatchMultiple',
        ),
        severity: 'error',
      },
    ],
    [
      'error',
      {
        ...said('Element matches more than one slice - user, client', 'Validation_VAL_Profile_MatchMultiple'),
        severity: 'error',
      },
    ],
    ['error', { ...said('Unrecognized property', ''), severity: 'fatal' }],
    [
      'warning',
      {
        ...said('Unknown extension https://mycarerecord.example/x', 'Extension_EXT_Unknown'),
        severity: 'information',
      },
    ],
    [
      'note',
      {
        ...said('Unknown extension https://elsewhere.example/x', 'Extension_EXT_Unknown'),
        severity: 'information',
      },
    ],
    [
      'note',
      {
        ...said('Error generating Snapshot: Unable to resolve package id x', 'ERROR_GENERATING_SNAPSHOT'),
        severity: 'error',
      },
    ],
    [
      'error',
      {
        ...said('Error generating Snapshot: no element Extension.valve', 'ERROR_GENERATING_SNAPSHOT'),
        severity: 'error',
      },
    ],
  ];
  for (const [verdict, message] of table) t.equal(verdictOf(message), verdict, message.message);
});

t.test(
  'messages that differ in ids, codes and places alone are one kind, with the first place as example',
  async (t) => {
    const about = (code: string, location: string): Message => ({
      ...said(
        `CodeSystem is unknown and can't be validated: https://mycarerecord.example/s for 'https://mycarerecord.example/s#${code}'`,
      ),
      location,
    });
    const answers = [{ file: 'a.json', name: 'search Flag', kind: 'search', resources: 1 }];
    t.match(groups([about('x', 'Flag.code'), about('y', 'Flag.category')], answers), [
      { count: 2, verdict: 'warning', example: 'search Flag: Flag.code' },
    ]);
  },
);

t.test('resources of a Bundle are counted with it', async (t) => {
  const entry = [{ resource: { resourceType: 'Flag', contained: [{ resourceType: 'Patient' }] } }];
  t.equal(resourcesIn({ resourceType: 'Bundle', entry }), 3);
});
