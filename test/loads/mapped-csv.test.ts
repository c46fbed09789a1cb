import fc from 'fast-check';
import t from 'tap';
import { validateStructure } from '../../src/fhir/structure.ts';
import { isDateFormat, readCell } from '../../src/loads/mapped-csv/cells.ts';
import {
  type Mapping,
  type ResourceMapping,
  resourcesOf,
  type Template,
} from '../../src/loads/mapped-csv/mapping.ts';
import { consentLine, resourceLine } from '../../src/loads/mapped-csv/resources.ts';
import { Row, tableTerms } from '../../src/loads/mapped-csv/row.ts';
import { columnsOfElement } from '../../src/loads/mapped-csv/template.ts';
import { type CsvRow, EPISODE, MAPPING, PEOPLE, person, SERVICES, service } from './mapped-terms.ts';
import { TODAY } from './world.ts';

const AROUND = { resources: resourcesOf(MAPPING), day: TODAY };

function row(cells: CsvRow, table = SERVICES, mapping: Mapping = MAPPING): Row {
  return new Row(tableTerms(mapping, table.columns), new Map(Object.entries(cells)));
}

function made(cells: CsvRow, resource: ResourceMapping = EPISODE, table = SERVICES): unknown {
  return JSON.parse(resourceLine(resource, row(cells, table), AROUND) ?? 'null');
}

/** Of elements alone, beside what an EpisodeOfCare must have. */
function filled(elements: Template, cells: CsvRow): Record<string, unknown> {
  const { resourceType, id, patient, status, ...rest } = made(cells, {
    ...EPISODE,
    elements: { status: 'active', ...elements },
  }) as Record<string, unknown>;
  return rest;
}

t.test('a cell is read by the type of its column', async (t) => {
  const date = { type: 'date', format: 'DD/MM/YYYY' } as const;
  const time = { type: 'date', format: 'YYYY-MM-DD HH:mm' } as const;
  const flag = { type: 'boolean', true: ['Y', '1'], false: ['N'] } as const;
  const table = [
    [{ type: 'text' }, '=HYPERLINK("http://x.example")', '=HYPERLINK("http://x.example")'],
    [{ type: 'text' }, '', undefined],
    [{ type: 'code' }, 'A1', 'A1'],
    [date, '29/02/2024', '2024-02-29'],
    [{ type: 'date', format: 'YYYYMMDD' }, '20240229', '2024-02-29'],
    [time, '2026-07-01 09:30', '2026-07-01T09:30:00+01:00'],
    [time, '2026-12-01 09:30', '2026-12-01T09:30:00+00:00'],
    [{ type: 'number' }, '7.10', '\ue0007.10'],
    [flag, '1', true],
    [flag, 'N', false],
    [flag, '', undefined],
  ] as const;
  for (const [column, text, value] of table) {
    t.same(
      readCell(column, text),
      value === undefined ? { ok: true } : { ok: true, value },
      `${column.type} ${text}`,
    );
  }
  const faulty = [
    [date, '30/02/2024'],
    [date, '2024-02-29'],
    [date, '9/2/2024'],
    [time, '2026-07-01 24:00'],
    [{ type: 'number' }, '1,000'],
    [{ type: 'number' }, '1e3'],
    [{ type: 'text' }, 'two\nlines'],
    [{ type: 'text' }, 'nul\0'],
    [{ type: 'text' }, 'damaged \ufffd'],
    [{ type: 'text' }, '\ue0007'],
    [{ type: 'text' }, 'x'.repeat(10_001)],
    [flag, 'maybe'],
    [{ type: 'text', required: true }, ''],
    [{ ...flag, required: true }, ''],
  ] as const;
  for (const [column, text] of faulty) {
    const reading = readCell(column, text);
    t.equal(reading.ok, false, `${column.type} ${text.slice(0, 20)}`);
    t.notOk(text.length > 2 && !reading.ok && reading.hint.includes(text), 'and the hint holds no value');
  }
});

t.test('a date format names a whole day once, and nothing that could be a pattern', async (t) => {
  for (const format of ['DD/MM/YYYY', 'YYYYMMDD', 'YYYY-MM-DDTHH:mm:ss', 'DD.MM.YYYY HH:mm']) {
    t.ok(isDateFormat(format), format);
  }
  for (const format of [
    'DD/MM',
    'DD/MM/YY',
    'YYYY-MM-DD HH',
    'DD/DD/MM/YYYY',
    '(YYYY)+MM-DD',
    '.*',
    '',
    'D/M/YYYY',
  ])
    t.notOk(isDateFormat(format), format);
});

t.test('every day of the calendar comes out of every format as it went in', async () => {
  const day = fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
  const format = fc.constantFrom('DD/MM/YYYY', 'YYYYMMDD', 'MM-DD-YYYY', 'YYYY.MM.DD');
  fc.assert(
    fc.property(day, format, (date, pattern) => {
      const iso = date.toISOString().slice(0, 10);
      const [year = '', month = '', dayOfMonth = ''] = iso.split('-');
      const text = pattern.replace('YYYY', year).replace('MM', month).replace('DD', dayOfMonth);
      const reading = readCell({ type: 'date', format: pattern }, text);
      return reading.ok && reading.value === iso;
    }),
    { numRuns: 100 },
  );
});

t.test('a row becomes the resource that its mapping says', async (t) => {
  t.same(made(service('7', 'p/1')), {
    resourceType: 'EpisodeOfCare',
    id: 'service..7',
    patient: { reference: 'Patient/p.2F1' },
    status: 'active',
    type: [
      {
        coding: [{ system: 'https://council.example/services', code: 'home', display: 'Home support' }],
        text: 'Home support',
      },
    ],
    period: { start: '2026-03-01' },
    careManager: { display: 'North' },
  });
  const other = made(service('7', 'p1', { What: 'Day centre', Team: '', End: '31/10/2026' }));
  t.match(other, { status: 'finished', type: [{ text: 'Day centre' }], period: { end: '2026-10-31' } });
  t.notHas(other, { careManager: {} }, 'who is not named is left out');
  t.match(made(service('7', 'p1', { Start: '01/01/2027' })), { status: 'planned' });
  t.match(
    made(service('7', 'p1', { Start: '', End: '22/11/2026' })),
    { status: 'active' },
    'the last day counts',
  );
  t.equal(made(service('7', 'p1', { Kind: 'Other' })), null, 'and of rows of another kind nothing is made');
});

t.test('what draws on empty cells is left out with its constants', async (t) => {
  const telecom = [{ system: 'phone', value: { $column: 'Team' }, use: 'work' }];
  t.same(filled({ telecom }, service('1', 'p', { Team: '' })), {});
  t.match(filled({ telecom }, service('1', 'p')), {
    telecom: [{ system: 'phone', value: 'North', use: 'work' }],
  });
  const type = [{ text: 'Always', coding: [{ system: 'urn:a', code: 'b' }] }];
  t.same(filled({ type }, service('1', 'p')), { type }, 'constants alone stay');
  const team = [{ reference: { $reference: 'service', id: ['What'] } }];
  t.same(filled({ team }, service('1', 'p', { What: '' })), {});
  t.same(filled({ team }, service('1', 'p', { What: '9' })), {
    team: [{ reference: 'EpisodeOfCare/service..9' }],
  });
});

t.test('ids of rows never run into each other, whatever is in them', async (t) => {
  const part = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
    .filter((text) => text.trim() === text);
  const two = { columns: { A: { type: 'text' }, B: { type: 'text' } }, resources: [] } as const;
  const idOf = (A: string, B: string): string | undefined => row({ A, B }, two).id(['A', 'B'], 'x');
  fc.assert(
    fc.property(part, part, part, part, (a, b, c, d) => {
      const [one, other] = [idOf(a, b), idOf(c, d)];
      if (one === undefined || other === undefined) return true;
      const areIds = [one, other].every((id) => /^[A-Za-z0-9.-]{1,64}$/.test(id));
      return areIds && (one === other) === (a === c && b === d);
    }),
    { numRuns: 200 },
  );
  t.not(idOf('a.', 'b'), idOf('a', '.b'));
  t.not(idOf('a', 'b'), idOf('a..b', ''));
  t.equal(idOf('x'.repeat(60), 'y'), undefined, 'too long');
});

t.test('a row that cannot be read says which column, and what restricts is told all the same', async (t) => {
  const [patient] = PEOPLE.resources ?? [];
  if (patient === undefined) throw new Error('The mapping has no people.');
  const told = (more: CsvRow): unknown => made(person('1', '9990000018', more), patient, PEOPLE);
  t.match(told({ Born: '31/02/1950' }), {
    fault: { rule: 'cell', element: 'Born', id: '1', hint: /not a day/ },
    json: { resourceType: 'Patient', identifier: [{ value: '9990000018' }] },
  });
  t.match(told({ Sex: 'Q' }), {
    fault: { rule: 'code', element: 'Sex', hint: 'not among the codes of the map sex' },
  });
  t.match(told({ Person: '' }), { fault: { rule: 'id', element: 'Person' } });
  t.match(told({ Flag: 'Y' }), { meta: { security: [{ code: 'R' }] } });
  t.match(told({ Flag: '?' }), { fault: { element: 'Flag' }, json: { meta: { security: [{ code: 'R' }] } } });
  t.notMatch(told({}), { meta: {} });
});

t.test('an NHS number whose status is not said is not a verified one', async (t) => {
  const [patient] = PEOPLE.resources ?? [];
  if (patient === undefined) throw new Error('The mapping has no people.');
  const mapping = { ...patient, nhsNumber: { column: 'NHS', status: 'Agreed' } };
  t.match(made(person('1', '999 000 0018', { Agreed: '' }), mapping, PEOPLE), {
    identifier: [{ value: '9990000018', extension: [{ valueCodeableConcept: { text: 'Not stated' } }] }],
  });
});

t.test('consents: a blank agreement is a refusal, a blank opt-out is silence', async (t) => {
  const [agreement] = PEOPLE.consents ?? [];
  if (agreement === undefined) throw new Error('The mapping has no consents.');
  const optOut = { ...agreement, about: 'health-opt-out' } as const;
  const said = (about: typeof agreement, more: CsvRow): unknown =>
    JSON.parse(consentLine(about, row(person('1', '9990000018', more), PEOPLE)) ?? 'null');
  const permit = { provision: { type: 'permit' } };
  const deny = { provision: { type: 'deny' } };
  t.match(said(agreement, {}), { ...permit, dateTime: '2026-02-01', patient: { reference: 'Patient/1' } });
  t.match(said(agreement, { Agreed: 'N' }), deny);
  t.match(said(agreement, { Agreed: '' }), deny);
  t.match(said(agreement, { Agreed: '?' }), { fault: { element: 'Agreed' }, json: deny });
  t.match(said(agreement, { AgreedOn: '?' }), { fault: { element: 'AgreedOn' }, json: permit });
  t.match(said(optOut, { AgreedOn: '' }), deny);
  t.equal(said(optOut, { Agreed: '' }), null);
  t.match(said(optOut, { Agreed: 'N' }), permit, 'dated, it ends an earlier one');
  t.equal(said(optOut, { Agreed: 'N', AgreedOn: '' }), null, 'undated, it does not');
  t.same((said(optOut, { Agreed: '?' }) as { json: unknown }).json, {}, 'and nobody is opted out by a guess');
  for (const more of [{}, { Agreed: 'N' }]) t.same(validateStructure(said(agreement, more)), []);
});

t.test('a fault of structure is traced to the columns of its element', async (t) => {
  t.same(columnsOfElement(EPISODE, 'EpisodeOfCare.period.start'), ['Start']);
  t.same(columnsOfElement(EPISODE, 'EpisodeOfCare.period'), ['Start', 'End']);
  t.same(columnsOfElement(EPISODE, 'EpisodeOfCare.type[0].coding[0].code'), ['What']);
  t.same(columnsOfElement(EPISODE, 'EpisodeOfCare.status'), ['Start', 'End']);
  t.same(columnsOfElement(EPISODE, 'EpisodeOfCare.constructor'), []);
  t.same(columnsOfElement(EPISODE, 'EpisodeOfCare'), []);
});
