import { dateText } from './calendar.ts';
import type { ChildFile } from './lcs-child-file.ts';
import type { County } from './person.ts';
import { Random } from './random.ts';

/** What a council records of a child whom it looks after, from the care episode on. */
export function addLookedAfter(file: ChildFile, county: County): void {
  const { id, referral, end, person } = file;
  const random = new Random(county.seed, 'lcs looked after', person.index);
  const from = file.start + 14;
  const day = (after: number): string => dateText(Math.min(from + after, county.anchor));
  file.add('ssd_cla_episodes', `L${id}-1`, id, day(0), end, end === '' ? '' : 'E4A', referral);
  file.add('ssd_cla_care_plan', `P${id}-1`, id, day(10), end);
  file.add('ssd_cla_placement', `M${id}-1`, id, day(0), end, random.pick(['U1', 'U4', 'U6', 'K2', 'P1']));
  file.add('ssd_cla_health', `H${id}-1`, id, 'Health Assessment', day(20), 'Completed');
  file.add('ssd_cla_health', `H${id}-2`, id, 'Dental Check', day(25), 'Completed');
  file.add('ssd_cla_immunisations', id, random.chance(0.85) ? 'Y' : 'N', day(20));
  file.add('ssd_sdq_scores', `Q${id}-1`, id, day(24), String(random.whole(4, 22)));
  if (random.chance(0.1)) file.add('ssd_missing', `X${id}-1`, id, day(15), day(16));
}
