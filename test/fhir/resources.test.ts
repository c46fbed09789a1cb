import t from 'tap';
import { categoryTokens, codeTokens, labelsThroughout, securityLabels } from '../../src/fhir/codings.ts';
import { removableElement, withoutElements } from '../../src/fhir/elements.ts';
import { type OutcomeIssue, operationOutcome, outcomeIssue } from '../../src/fhir/outcome.ts';
import { PROBLEM_TABLE, Problem, type ProblemKind } from '../../src/fhir/problem.ts';
import { validateStructure } from '../../src/fhir/structure.ts';

t.test('codes, categories and labels are tokens of system and code', async (t) => {
  const sct = (code: string) => ({
    coding: [
      { system: 'sct', code },
      { system: 'sct', code, display: 'again' },
    ],
  });
  const cases: readonly (readonly [(resource: object) => string[], object, readonly string[]])[] = [
    [categoryTokens, { resourceType: 'Observation', category: [sct('a'), sct('b')] }, ['sct|a', 'sct|b']],
    [categoryTokens, { resourceType: 'Procedure', category: sct('a') }, ['sct|a']],
    [
      categoryTokens,
      { resourceType: 'AllergyIntolerance', category: ['food'] },
      ['http://hl7.org/fhir/allergy-intolerance-category|food'],
    ],
    [categoryTokens, { resourceType: 'Observation' }, []],
    [
      categoryTokens,
      { resourceType: 'Observation', category: [{ text: 'x' }, { coding: [{ system: 's' }] }, null, 7] },
      [],
    ],
    [codeTokens, { resourceType: 'Observation', code: { coding: [{ code: 'local' }] } }, ['|local']],
    [codeTokens, { resourceType: 'Immunization', vaccineCode: sct('v'), code: sct('no') }, ['sct|v']],
    [codeTokens, { resourceType: 'MedicationStatement', medicationCodeableConcept: sct('m') }, ['sct|m']],
    [codeTokens, { resourceType: 'Encounter', type: [sct('t')] }, ['sct|t']],
    [codeTokens, { resourceType: 'DocumentReference', type: sct('d') }, ['sct|d']],
    [
      codeTokens,
      {
        resourceType: 'AuditEvent',
        type: { system: 'dcm', code: '1' },
        subtype: [{ system: 'r', code: '2' }],
      },
      ['dcm|1', 'r|2'],
    ],
    [codeTokens, { resourceType: 'Patient' }, []],
    [
      securityLabels,
      { meta: { security: [{ system: 'conf', code: 'R' }, { code: 'x' }] } },
      ['conf|R', '|x'],
    ],
    [
      securityLabels,
      { meta: { security: [{ system: 'conf', display: 'Restricted' }, { display: 'x' }] } },
      ['conf|', '|'],
    ],
    [securityLabels, { meta: [{ security: { system: 'conf', code: 'R' } }] }, ['conf|R']],
    [
      labelsThroughout,
      { meta: { security: [{ code: 'N' }] }, contained: [{ meta: { security: [{ code: 'R' }] } }, null] },
      ['|N', '|R'],
    ],
    [securityLabels, { meta: null }, []],
    [securityLabels, {}, []],
  ];
  for (const [tokens, resource, expected] of cases)
    t.same(tokens(resource), expected, JSON.stringify(resource));
});

t.test('a policy may leave out optional elements and nothing else', async (t) => {
  const removable: readonly (readonly [string, string])[] = [
    ['Observation', 'note'],
    ['Observation', 'value[x]'],
    ['Observation', 'valueQuantity'],
    ['Observation', 'component.interpretation'],
    ['Patient', 'telecom'],
    ['Patient', 'name.given'],
    ['Patient', 'contact.name'],
    ['Patient', 'extension'],
    ['CareTeam', 'participant'],
    ['DocumentReference', 'context.related'],
  ];
  for (const [type, element] of removable) t.ok(removableElement(type, element), `${type}.${element}`);
  const kept: readonly (readonly [string, string])[] = [
    ['Observation', 'status'],
    ['Observation', 'code'],
    ['Observation', 'code.text'],
    ['Observation', 'subject'],
    ['Observation', 'id'],
    ['Observation', 'meta'],
    ['Observation', 'meta.security'],
    ['Observation', 'resourceType'],
    ['Observation', 'modifierExtension'],
    ['Observation', 'component.code'],
    ['Observation', '_issued'],
    ['Observation', 'nonsense'],
    ['Observation', 'nonsense[x]'],
    ['Observation', 'note.nonsense'],
    ['Observation', 'a.b.c'],
    ['Patient', 'name.period.start'],
    ['Patient', 'contact.modifierExtension'],
    ['Observation', ''],
    ['Observation', 'constructor'],
    ['Observation', 'constructor[x]'],
    ['Observation', 'constructor.name'],
    ['MedicationRequest', 'medication[x]'],
    ['MedicationRequest', 'medicationReference'],
    ['MedicationRequest', 'doNotPerform'],
    ['Condition', 'verificationStatus'],
    ['Immunization', 'occurrence[x]'],
    ['Appointment', 'participant'],
    ['Provenance', 'target'],
    ['Task', 'for'],
    ['Patient', 'deceased[x]'],
    ['Patient', 'link'],
    ['Questionnaire', 'title'],
    ['constructor', 'name'],
  ];
  for (const [type, element] of kept) t.notOk(removableElement(type, element), `${type}.${element}`);
});

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

t.test('a resource without elements is still FHIR, says so, and repeats nothing of them', async (t) => {
  const observation = {
    resourceType: 'Observation',
    id: 'o',
    meta: { tag: [{ code: 'gp' }] },
    status: 'final',
    code: { text: 'c' },
    subject: { reference: 'Patient/1' },
    text: { status: 'generated', div: '<div>secret</div>' },
    contained: [
      { resourceType: 'Practitioner', id: 'who', name: [{ family: 'secret' }] },
      { resourceType: 'PractitionerRole', id: 'role', practitioner: { reference: '#who' } },
      { resourceType: 'Specimen', id: 'kept' },
    ],
    specimen: { reference: '#kept' },
    performer: [{ reference: '#role' }],
    valueString: 'secret',
    _valueString: { extension: [{ url: 'urn:x', valueString: 'secret' }] },
    note: [{ text: 'secret' }],
  };
  const left = withoutElements(observation, ['note', 'value[x]', 'performer']);
  t.notMatch(JSON.stringify(left), /secret/);
  t.same(validateStructure(left), []);
  t.same(left.meta.tag, [{ code: 'gp' }, SUBSETTED]);
  t.same(
    left.contained.map(({ id }) => id),
    ['kept'],
  );
  t.same(withoutElements(left, ['note', 'value[x]', 'performer']), left, 'once is enough');
  t.equal(observation.note.length, 1, 'the resource itself is not changed');
  t.same(withoutElements(observation, ['note']).contained.length, 3, 'what is referred to stays contained');
  t.equal(
    withoutElements(observation, ['bodySite', 'component.interpretation']),
    observation,
    'nothing to leave out',
  );
  t.throws(() => withoutElements(observation, ['status']));
  t.throws(() => withoutElements({ resourceType: 'Questionnaire', title: 'x' }, ['title']));

  const patient = {
    resourceType: 'Patient',
    id: 'p',
    name: [
      { given: ['A'], _given: [{ id: 'g' }] },
      { id: 'n', family: 'B', given: ['C'] },
    ],
  };
  t.same(withoutElements(patient, ['name.given']), {
    resourceType: 'Patient',
    id: 'p',
    name: [{ id: 'n', family: 'B' }],
    meta: { tag: [SUBSETTED] },
  });
  const alone = { resourceType: 'Patient', id: 'p', maritalStatus: { text: 'secret' } };
  t.same(withoutElements(alone, ['maritalStatus.text']), {
    resourceType: 'Patient',
    id: 'p',
    meta: { tag: [SUBSETTED] },
  });
});

t.test('every kind of problem is an OperationOutcome of R4', async (t) => {
  for (const kind of Object.keys(PROBLEM_TABLE) as ProblemKind[]) {
    const problem = new Problem(
      kind,
      'Say what to do.',
      { reason: 'own-record', expression: ['patient'] },
      new Error('SQL'),
    );
    const outcome = operationOutcome(problem);
    t.same(validateStructure(outcome), [], kind);
    t.same(outcome.issue, [
      {
        severity: 'error',
        code: PROBLEM_TABLE[kind].code,
        details: {
          coding: [{ system: 'https://mycarerecord.example/fhir/CodeSystem/outcome', code: 'own-record' }],
          text: 'Say what to do.',
        },
        expression: ['patient'],
      },
    ]);
  }
  t.same(operationOutcome(new Problem('gone', 'It is gone.', { expression: [] })).issue, [
    { severity: 'error', code: 'deleted', details: { text: 'It is gone.' } },
  ]);
});

t.test('what a searchset lacks is said without the severity of an error', async (t) => {
  const issues: readonly OutcomeIssue[] = [
    { severity: 'warning', code: 'incomplete', reason: 'source-down', text: 'The hospital did not answer.' },
    {
      severity: 'information',
      code: 'informational',
      reason: 'stale',
      text: 'As of yesterday.',
      expression: ['gp'],
    },
  ];
  const outcome = { resourceType: 'OperationOutcome', issue: issues.map(outcomeIssue) };
  t.same(validateStructure(outcome), []);
  t.same(
    outcome.issue.map(({ severity, details }) => [severity, details?.coding?.[0]?.code, details?.text]),
    [
      ['warning', 'source-down', 'The hospital did not answer.'],
      ['information', 'stale', 'As of yesterday.'],
    ],
  );
});
