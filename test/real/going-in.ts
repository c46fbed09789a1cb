import type pg from 'pg';
import type { Test } from 'tap';
import type { Certificate } from '../../src/loads/certificate.ts';
import { expectedRows, type Sent } from './sent.ts';
import { certified, countBy, loggedRejects, placeOf, rejectedOf } from './tallies.ts';

/** What the loader says it did, against what was sent. */

export async function checkCertificates(
  t: Test,
  sent: Sent,
  certificates: ReadonlyMap<string, Certificate>,
): Promise<void> {
  await t.test('each extract is published, and its certificate counts every row that was sent', async (t) => {
    const stored = expectedRows(sent.rows, false);
    for (const { source, rows } of sent.extracts) {
      const certificate = certificates.get(source);
      if (certificate === undefined) throw new Error(`${source} was not loaded.`);
      const { result, reason, files, consent } = certificate;
      t.equal(result, 'published', `${source} ${JSON.stringify(reason ?? {})}`);
      const own = rows.filter(({ fate }) => fate === 'shown' || fate === 'withheld');
      // a Medication or Binary is stored for each person whose rows refer to it
      const copies = stored.filter(({ row }) => row.source === source && row.nhsNumber === undefined);
      const kept = [...own.filter((row) => !isReferenced(row)), ...copies.map(({ row }) => row)];
      t.same(
        certified(certificate, (tally) => tally.new),
        countBy(kept, typeOf),
        `${source}: new`,
      );
      const refused = rows.filter(({ fate }) => fate === 'rejected' || fate === 'quarantined');
      t.same(certified(certificate, rejectedOf), countBy(refused, typeOf), `${source}: rejected`);
      const counted = rows.filter(({ fate }) => fate === 'counted');
      const others = { ...certified(certificate, ({ notServed }) => notServed) };
      if (consent.ignored > 0) others['Consent'] = consent.ignored;
      t.same(others, countBy(counted, typeOf), `${source}: read and kept nowhere`);
      t.same(
        Object.fromEntries(files.map(({ type, rows }) => [type, rows])),
        countBy(rows, typeOf),
        `${source}: files`,
      );
      t.comment(`${source}: ${rows.length} rows sent; ${JSON.stringify(certificate.identity)}`);
      t.comment(
        `${source}: ${certificate.timings.map((each) => `${each.phase} ${each.milliseconds} ms`).join(', ')}`,
      );
    }
    const { people, dropped } = sent.synthea;
    t.ok(people > 70, `${people} people of Synthea`);
    t.comment(`Synthea, of types that are not served and so not sent: ${JSON.stringify(dropped)}`);
  });
}

/** Rejected rows are those that were meant to be, each with its line and a rule that fits; every other row was taken. */
export async function checkRejects(t: Test, sent: Sent, admin: pg.Client): Promise<void> {
  await t.test(
    'rows that are no base R4 are rejected with a reason, row by row, and no others are',
    async (t) => {
      const logged = await loggedRejects(admin);
      const byPlace = new Map(logged.map((reject) => [placeOf(reject), reject.rule]));
      const refused = sent.rows.filter(({ fate }) => fate === 'rejected' || fate === 'quarantined');
      t.same(logged.map(placeOf).sort(), refused.map(placeOf).sort(), 'rejected rows');
      for (const row of refused) {
        const expected =
          row.fate === 'quarantined'
            ? /^nhs-number$/
            : row.resource === undefined
              ? /^json$/
              : /^(structure|id)$/;
        t.match(byPlace.get(placeOf(row)) ?? 'taken', expected, `${row.type} line ${row.line}: ${row.from}`);
      }
      t.ok(refused.length > 40, `${refused.length} rows that had to be rejected`);
      t.comment(`rejected by rule: ${JSON.stringify(countBy(logged, ({ rule }) => rule))}`);
    },
  );
}

function isReferenced({ type }: { readonly type: string }): boolean {
  return type === 'Medication' || type === 'Binary';
}

function typeOf({ type }: { readonly type: string }): string {
  return type;
}
