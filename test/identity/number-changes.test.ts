import fc from 'fast-check';
import t from 'tap';
import { clustersOf, type LinkGuards, type NumberChange } from '../../src/identity/number-changes.ts';

const NONE: LinkGuards = { keptApart: [], identities: new Map(), linked: () => false };

function change(oldNumber: string, newNumber: string, changedOn = '2026-01-01'): NumberChange {
  return { oldNumber, newNumber, kind: 'superseded', changedOn };
}

function together(clusters: ReturnType<typeof clustersOf>['clusters']): readonly string[] {
  return clusters.map(({ current, numbers }) => `${current}: ${[...numbers].sort().join(' ')}`).sort();
}

t.test('a chain of changes leads to the number in force, whatever the order they are said in', async (t) => {
  const chain = [change('b', 'c', '2026-02-02'), change('a', 'b', '2026-01-01'), change('x', 'c')];
  for (const changes of [chain, [...chain].reverse()]) {
    const { clusters, leftOut } = clustersOf(changes, NONE);
    t.same(together(clusters), ['c: a b c x']);
    t.equal(leftOut, 0);
  }
  t.same(clustersOf([], NONE), { clusters: [], leftOut: 0 });
  const round = clustersOf([change('a', 'b'), change('b', 'a', '2026-02-02')], NONE);
  t.same(together(round.clusters), ['b: a b'], 'a change that leads back is left out');
  t.equal(round.leftOut, 1);
});

t.test('identities that contradict each other are not put together, unless they are already', async (t) => {
  const ada = { birthDate: '1980-05-17', family: 'able', given: 'ada' };
  const identities = new Map([
    ['a', ada],
    ['c', { ...ada, family: 'other', given: 'eve' }],
    ['d', { ...ada, family: 'married' }],
  ]);
  const changes = [change('a', 'b'), change('b', 'c', '2026-01-02'), change('d', 'b', '2026-01-03')];
  const { clusters, leftOut } = clustersOf(changes, { ...NONE, identities });
  t.same(together(clusters), ['b: a b d'], 'not by way of a number that nothing is known of either');
  t.equal(leftOut, 1);
  const known = clustersOf(changes, { ...NONE, identities, linked: () => true });
  t.same(together(known.clusters), ['c: a b c d']);
});

t.test('what is kept apart is never together, by whatever way', async () => {
  const number = fc.constantFrom(...'abcdefghij');
  const pair = fc.tuple(number, number).filter(([one, other]) => one !== other);
  const day = fc.integer({ min: 1, max: 28 }).map((each) => `2026-01-${String(each).padStart(2, '0')}`);
  const changes = fc.uniqueArray(
    fc.tuple(pair, day).map(([[one, other], on]) => change(one, other, on)),
    { selector: (each) => each.oldNumber },
  );
  fc.assert(
    fc.property(changes, fc.array(pair, { maxLength: 5 }), (said, keptApart) => {
      const { clusters, leftOut } = clustersOf(said, { ...NONE, keptApart });
      const again = clustersOf([...said].reverse(), { ...NONE, keptApart });
      const seen = clusters.flatMap(({ numbers }) => numbers);
      const followed = said.length - leftOut;
      return (
        JSON.stringify(together(again.clusters)) === JSON.stringify(together(clusters)) &&
        new Set(seen).size === seen.length &&
        // each change that is followed brings one number to another
        followed === seen.length - clusters.length &&
        clusters.every(
          ({ current, numbers }) =>
            numbers.includes(current) &&
            keptApart.every(([one, other]) => !(numbers.includes(one) && numbers.includes(other))),
        )
      );
    }),
  );
});
