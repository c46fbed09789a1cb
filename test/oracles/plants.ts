/*
 * Mistakes that an oracle has to find, each one that is easily made: as edits of the compiled service. They are planted
 * while modules are loaded, in a process of its own (plant-hooks.ts); the service knows nothing of them.
 */

export type OracleName = 'two-worlds' | 'disclosed' | 'monotonicity' | 'routes';

export interface Edit {
  /** a module below dist/src */
  readonly file: string;
  /** stands there exactly once */
  readonly find: string;
  readonly put: string;
}

export interface Plant {
  readonly name: string;
  readonly oracle: OracleName;
  readonly edits: readonly Edit[];
}

/** Rows as they were gathered, carried past the gate: what several mistakes look at. */
const UNGATED: readonly Edit[] = [
  {
    file: 'record/redact.js',
    find: 'return { rows: inOrder(visible), erased',
    put: 'return { gathered: inOrder(rows.map((row) => ({ ...row, madeOf: [row], hidden: [] }))), rows: inOrder(visible), erased',
  },
  {
    file: 'record/answer.js',
    find: 'visible: visible.rows, issues }',
    put: 'visible: visible.rows, gathered: visible.gathered, issues }',
  },
];

const OF_TYPE =
  "composition.gathered.filter(({ type }) => ask.interaction === 'everything' || type === ask.type)";

function plant(
  oracle: OracleName,
  name: string,
  ...edits: readonly (Edit | readonly [string, string, string])[]
): Plant {
  return {
    name,
    oracle,
    edits: edits.map((edit): Edit => {
      if (!isTuple(edit)) return edit;
      const [file, find, put] = edit;
      return { file, find, put };
    }),
  };
}

function isTuple(edit: Edit | readonly [string, string, string]): edit is readonly [string, string, string] {
  return Array.isArray(edit);
}

const TWO_WORLDS: readonly Plant[] = [
  plant('two-worlds', 'a total is counted before hidden rows are left out', ...UNGATED, [
    'record/page.js',
    'total: matches.rows.length',
    `total: ${OF_TYPE}.length`,
  ]),
  plant('two-worlds', '_summary=count is answered by the store', ...UNGATED, [
    'record/page.js',
    'searchset({ ...common, entries: [], issues })',
    `searchset({ ...common, total: ${OF_TYPE}.length, entries: [], issues })`,
  ]),
  plant('two-worlds', 'an include skips the gate', ...UNGATED, [
    'record/page.js',
    'ask.results?.includes ?? [], rows, visible)',
    'ask.results?.includes ?? [], rows, composition.gathered)',
  ]),
  plant('two-worlds', 'an empty list of agreements means all', [
    'access/rules/social-care-agreement.js',
    'agreements.length > 0 &&',
    '',
  ]),
  plant('two-worlds', 'there is a next link because hidden rows follow', ...UNGATED, [
    'record/page.js',
    'rest.length > onPage.length ?',
    `rest.length > onPage.length || (onPage.length === ask.count && ${OF_TYPE}.length > asked.length) ?`,
  ]),
  plant('two-worlds', 'a page is cut before hidden rows are left out', [
    'record/redact.js',
    'rows.filter((row) => grant.permits(row))',
    'inOrder(rows).slice(0, 12).filter((row) => grant.permits(row))',
  ]),
  plant('two-worlds', 'a row is searched and sorted by elements that are hidden', [
    'record/redact.js',
    'const { line, body, ...rest } = row;',
    'const { body, ...rest } = row;',
  ]),
  plant('two-worlds', '_has looks at hidden rows', ...UNGATED, [
    'record/page.js',
    'matchesOf(ports, grant, ask, asked, visible, facts.now)',
    'matchesOf(ports, grant, ask, asked, ask.criteria?.some(({ having }) => having) ? composition.gathered : visible, facts.now)',
  ]),
  plant('two-worlds', 'a chain leads through hidden rows', ...UNGATED, [
    'record/page.js',
    'matchesOf(ports, grant, ask, asked, visible, facts.now)',
    'matchesOf(ports, grant, ask, asked, ask.criteria?.some(({ chained }) => chained) ? composition.gathered : visible, facts.now)',
  ]),
  plant('two-worlds', 'versions are not filtered', ['record/history.js', ' || !grant.permits(row))', ')']),
  plant(
    'two-worlds',
    'a history counts hidden versions',
    ['record/history.js', 'total: wanted.length', 'total: counted'],
    [
      'record/history.js',
      'const all = await versionsOf(composition);',
      'const all = await versionsOf(composition);\nconst counted = (await ports.store.versions(composition.grant, ask.type, ask.id)).length;',
    ],
  ),
  plant('two-worlds', 'a version shows elements that are hidden', [
    'record/history.js',
    'leaveOut(row.body, grant.hiddenElements(row))',
    'row.body',
  ]),
  plant('two-worlds', 'Patient names contributors that are hidden', [
    'record/redact.js',
    "const contributions = permitted.filter((row) => row.type === 'Patient');",
    "const contributions = rows.filter((row) => row.type === 'Patient').map((row) => withoutHidden(grant, row));",
  ]),
  plant(
    'two-worlds',
    'agreements are remembered across requests',
    ['storage/read-facts.js', 'function personFacts(', 'const AGREED = new Map();\nfunction personFacts('],
    [
      'storage/read-facts.js',
      'agreements: (row[8] ?? []).flatMap((agreement) => agreementFact(agreement, codeOf)),',
      'agreements: AGREED.get(row[2]) ?? AGREED.set(row[2], (row[8] ?? []).flatMap((agreement) => agreementFact(agreement, codeOf))).get(row[2]),',
    ],
  ),
  plant('two-worlds', 'what is hidden has an error text of its own', ...UNGATED, [
    'record/answer.js',
    'if (!search && !seen)',
    "if (!search && !seen && visible.gathered.some(({ id }) => id === ask.id))\n return { problem: new Problem('not-found', 'This resource is not shown to you.'), released: [] };\nif (!search && !seen)",
  ]),
  plant('two-worlds', 'what is hidden is forbidden, not unknown', ...UNGATED, [
    'record/answer.js',
    'if (!search && !seen)',
    "if (!search && !seen && visible.gathered.some(({ id }) => id === ask.id))\n return { problem: new Problem('forbidden', 'There is no such resource.'), released: [] };\nif (!search && !seen)",
  ]),
  plant('two-worlds', 'Last-Modified is that of the newest row, hidden or not', [
    'record/disclose.js',
    'const { body, lastModified } = answer;',
    'const { body } = answer;\nconst lastModified = Math.max(0, ...gathered.rows.map((row) => Date.parse(/"lastUpdated":"([^"]+)"/.exec(row.body ?? "")?.[1] ?? "1970-01-01")));',
  ]),
  plant(
    'two-worlds',
    'an ETag is made of hidden rows, too',
    [
      'record/disclose.js',
      'return { body, receipt, ...(lastModified',
      'return { body, receipt, etag: gathered.rows.length, ...(lastModified',
    ],
    [
      'record/disclose.js',
      'constructor({ body, receipt, lastModified, next }) {',
      'constructor({ body, receipt, lastModified, next, etag }) {\nthis.etag = etag;',
    ],
    [
      'http/send.js',
      'const { lastModified, next } = released;',
      'const { lastModified, next, etag } = released;\nif (etag !== undefined) reply.header("etag", "W/\\"" + etag + "\\"");',
    ],
  ),
  plant('two-worlds', 'a text is had with a hidden letter', [
    'record/redact.js',
    '&& hasReferrer(row, permitted)',
    '&& hasReferrer(row, rows)',
  ]),
  plant('two-worlds', 'who wrote a hidden row is told by the Provenance of it', [
    'record/redact.js',
    'hasTarget(row, shown))',
    'true)',
  ]),
  plant('two-worlds', 'a Provenance is seen with a row that is gathered, hidden or not', [
    'record/redact.js',
    'permitted.some(isOfTargets) ? namesOf(permitted)',
    'permitted.some(isOfTargets) ? namesOf(rows)',
  ]),
  plant('two-worlds', 'only the first label counts', [
    'access/rules/labels.js',
    '(row) => row.labels.some(isRestrictedLabel)',
    '(row) => row.labels.length > 0 && isRestrictedLabel(row.labels[0])',
  ]),
  plant('two-worlds', 'a category in a scope holds for the type asked for alone', [
    'access/rules/scopes.js',
    'return (row) => !covered',
    "return type !== ask.type ? 'none' : (row) => !covered",
  ]),
  plant(
    'two-worlds',
    'social care is said not to be shared only where it knows the person',
    ...UNGATED,
    [
      'access/decide.js',
      'this.#facts.sources.filter(({ source }) => this.#contributes(source))',
      'this.#facts.sources',
    ],
    [
      'record/answer.js',
      'failures, isWholeRecord(ask)),',
      "failures, isWholeRecord(ask)).filter((issue) => issue.details?.coding?.[0]?.code !== 'not-shared' || visible.gathered.some(({ source }) => source === issue.diagnostics)),",
    ],
  ),
  plant('two-worlds', 'people found by name are counted before the gate', [
    'record/find-patients.js',
    'total: found.length',
    'total: judged.length',
  ]),
  plant('two-worlds', 'a person reaches any row by its own id', [
    'access/rules/person.js',
    'person !== undefined && isOwnOrAnybody(caller, person, facts)',
    "person !== undefined && (ask.person.by === 'resource' || isOwnOrAnybody(caller, person, facts))",
  ]),
  plant('two-worlds', 'a summary is made of all rows', ...UNGATED, [
    'record/answer.js',
    'return summaryAnswer(composition);',
    "return summaryAnswer({ ...composition, visible: [...composition.visible, ...composition.gathered.filter(({ type, id }) => type !== 'Patient' && !composition.visible.some((row) => row.id === id))] });",
  ]),
  plant('two-worlds', 'a restricted person is hidden from whole records alone', [
    'access/rules/restricted-person.js',
    'const person = personAsked(ask, facts);',
    "const person = ask.interaction === 'everything' || ask.interaction === 'summary' ? personAsked(ask, facts) : undefined;",
  ]),
];

const DISCLOSED: readonly Plant[] = [
  plant('disclosed', 'what comes along is in no account', [
    'record/page.js',
    'const released = withTexts.map(',
    'const released = withTexts.slice(0, rows.length).map(',
  ]),
  plant('disclosed', 'a history accounts for its newest version', [
    'record/history.js',
    'const released = page.map(',
    'const released = page.slice(0, 1).map(',
  ]),
  plant('disclosed', 'an account names the first twenty', [
    'record/account.js',
    'released: answer.released,',
    'released: answer.released.slice(0, 20),',
  ]),
  plant('disclosed', 'Patient is accounted for without what it is made of', [
    'record/redact.js',
    'madeOf: rows.flatMap((row) => row.madeOf)',
    'madeOf: []',
  ]),
  plant('disclosed', 'a summary accounts for its Patient', [
    'record/summarise.js',
    'return row === undefined ?',
    "return row === undefined || row.type !== 'Patient' ?",
  ]),
];

const MONOTONICITY: readonly Plant[] = [
  plant('monotonicity', 'no scopes mean all scopes', [
    'access/scopes.js',
    "return constraints.length === 0 ? 'none' : constraints;",
    "return scopes.length === 0 ? 'all' : constraints.length === 0 ? 'none' : constraints;",
  ]),
  plant('monotonicity', 'a category in a scope is not looked at', [
    'access/scopes.js',
    'if (scope.constraint === undefined)',
    'if (scope.type !== undefined)',
  ]),
  plant('monotonicity', 'no day of signature means signed', [
    'access/days.js',
    'return agreements.some(',
    'return agreements.length === 0 || agreements.some(',
  ]),
  plant('monotonicity', 'an allow outweighs a later denial', [
    'access/combine.js',
    "if (verdict.verdict === 'deny')",
    "if (verdict.verdict === 'deny' && !allowed)",
  ]),
  plant('monotonicity', 'of several answers about social care one is enough', [
    'access/rules/social-care-agreement.js',
    'agreements.every(',
    'agreements.some(',
  ]),
  plant('monotonicity', 'a list of sectors is read the wrong way round', [
    'access/rules/opt-out.js',
    'if (isComplete && hidesEverySector(facts.policy))',
    'if (isComplete && !hidesEverySector(facts.policy))',
  ]),
];

const ROUTES: readonly Plant[] = [
  plant('routes', 'an audience is not checked', [
    'access/token.js',
    "checkAudience(claims['aud'], issuer.configuration);",
    '',
  ]),
  plant('routes', 'a token that has ended is taken', [
    'access/token.js',
    'if (seconds >= times.expires)',
    'if (seconds >= times.expires + 31_536_000)',
  ]),
  plant('routes', 'a write is refused to strangers alone', [
    'http/fhir-routes.js',
    "const problem = new Problem('method-not-allowed',",
    "return {};\nconst problem = new Problem('method-not-allowed',",
  ]),
  plant('routes', 'personal answers may be stored on the way', [
    'http/send.js',
    "reply.header('cache-control', 'no-store')",
    'reply',
  ]),
  plant('routes', 'a person with a token sees anybody', [
    'access/rules/person.js',
    "if (caller.kind !== 'patient')\n        return true;",
    'return true;',
  ]),
  plant('routes', 'a route without a policy is public', [
    'http/route-policy.js',
    'if (policy === undefined)',
    'if (policy === null)',
  ]),
];

export const PLANTS: readonly Plant[] = [...TWO_WORLDS, ...DISCLOSED, ...MONOTONICITY, ...ROUTES];
