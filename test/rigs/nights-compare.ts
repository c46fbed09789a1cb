import type { Expected } from './nights-model.ts';

/** Whether a record is as it must be. */
export function same(found: Expected, expected: Expected): boolean {
  return found.state === expected.state && found.markers.join() === expected.markers.join();
}

/** Between what restricts and the publication: the old, without what has been withdrawn. */
export function isPartOfOld(found: Expected, before: Expected, after: Expected): boolean {
  if (found.state !== 'shown' || before.state !== 'shown')
    return after.state === found.state && found.state !== 'shown';
  const care = /^zz\.(adult-social-care|lcs)\./;
  const missing = before.markers.filter((text) => !found.markers.includes(text));
  const more = found.markers.filter((text) => !before.markers.includes(text));
  const stillShown = new Set(after.markers.map((text) => text.split('.').slice(0, 4).join('.')));
  return (
    more.length === 0 &&
    missing.every((text) => care.test(text) && !stillShown.has(text.split('.').slice(0, 4).join('.')))
  );
}

/** What differs, for the operator: people of the rig are nobody. */
export function difference(found: Expected, expected: Expected): string {
  const more = found.markers.filter((text) => !expected.markers.includes(text)).map((text) => `+${text}`);
  const less = expected.markers.filter((text) => !found.markers.includes(text)).map((text) => `-${text}`);
  return [`${found.state} for ${expected.state}`, ...more.slice(0, 3), ...less.slice(0, 3)].join(' ');
}
