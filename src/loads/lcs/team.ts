import type { ChildInCare } from './child.ts';
import { type MappedResource, type Owner, period, type Reference, reference, telecoms } from './elements.ts';

/**
 * The people who work with a child: inside the child's own resources and nowhere else, since a directory would betray
 * who has a social worker (DESIGN 14).
 */

interface Worker {
  readonly name: string;
  readonly jobTitle: string;
  readonly telephone: string;
  readonly email: string;
}

interface Contained {
  readonly resourceType: string;
  readonly id: string;
  readonly [element: string]: unknown;
}

/** One CareTeam of all involvements in force. */
export function careTeams(child: ChildInCare, subject: Reference, owner: Owner): readonly MappedResource[] {
  if (child.involvements.length === 0) return [];
  const contained: Contained[] = [];
  const participant = child.involvements.map((row, index) => {
    const worker = workerOf(child, row.invo_professional_id);
    const role =
      row.invo_professional_role_id === '' ? (worker?.jobTitle ?? '') : row.invo_professional_role_id;
    const team = row.invo_professional_team;
    if (worker !== undefined) contained.push(practitioner(`worker-${index + 1}`, worker));
    if (team !== '') contained.push({ resourceType: 'Organization', id: `team-${index + 1}`, name: team });
    return {
      ...(role !== '' && { role: [{ text: role }] }),
      ...(worker !== undefined && { member: { reference: `#worker-${index + 1}`, display: worker.name } }),
      ...(team !== '' && { onBehalfOf: { reference: `#team-${index + 1}`, display: team } }),
      ...period(row.invo_involvement_start_date, row.invo_involvement_end_date),
    };
  });
  const said = participant.filter((each) => Object.keys(each).length > 0);
  return [
    {
      resourceType: 'CareTeam',
      id: child.person.pers_person_id,
      ...(contained.length > 0 && { contained }),
      status: 'active',
      name: "Children's social care",
      subject,
      ...(said.length > 0 && { participant: said }),
      managingOrganization: [owner],
    },
  ];
}

/** An EpisodeOfCare for every referral that is open, and for every care episode. */
export function episodes(child: ChildInCare, patient: Reference, owner: Owner): readonly MappedResource[] {
  return [...referralEpisodes(child, patient, owner), ...careEpisodes(child, patient, owner)];
}

function careEpisodes(child: ChildInCare, patient: Reference, owner: Owner): readonly MappedResource[] {
  return child.claEpisodes.map((row) => ({
    resourceType: 'EpisodeOfCare',
    id: `cla-${row.clae_cla_episode_id}`,
    status: 'active',
    type: [{ text: 'Looked after by the council' }],
    patient,
    managingOrganization: owner,
    ...period(row.clae_cla_episode_start_date, row.clae_cla_episode_ceased_date),
    ...teams(child, ''),
  }));
}

function referralEpisodes(child: ChildInCare, patient: Reference, owner: Owner): readonly MappedResource[] {
  return child.referrals.map((row) => {
    const worker = workerOf(child, row.cine_referral_worker_id);
    const team = row.cine_referral_team;
    const contained: Contained[] = [
      ...(worker === undefined ? [] : [practitioner('worker', worker)]),
      ...(team === '' ? [] : [{ resourceType: 'CareTeam', id: 'team', name: team }]),
    ];
    return {
      resourceType: 'EpisodeOfCare',
      id: row.cine_referral_id,
      ...(contained.length > 0 && { contained }),
      status: 'active',
      type: [{ text: "Children's social care" }],
      patient,
      managingOrganization: owner,
      ...period(row.cine_referral_date, row.cine_close_date),
      ...(worker !== undefined && { careManager: { reference: '#worker', display: worker.name } }),
      ...teams(child, team),
    };
  });
}

/** Who does an assessment: the worker, or else the team. */
export function assessor(child: ChildInCare, workerId: string, team: string): object {
  const worker = workerOf(child, workerId);
  if (worker !== undefined) {
    return {
      contained: [practitioner('worker', worker)],
      owner: { reference: '#worker', display: worker.name },
    };
  }
  if (team === '') return {};
  return {
    contained: [{ resourceType: 'Organization', id: 'team', name: team }],
    owner: { reference: '#team', display: team },
  };
}

function teams(child: ChildInCare, team: string): object {
  const found = [
    ...(team === '' ? [] : [{ reference: '#team', display: team }]),
    ...(child.involvements.length === 0 ? [] : [reference('CareTeam', child.person.pers_person_id)]),
  ];
  return found.length === 0 ? {} : { team: found };
}

/** @returns undefined for nobody, and for a worker whose row is missing or nameless */
function workerOf(child: ChildInCare, id: string): Worker | undefined {
  const row = Object.hasOwn(child.workers, id) ? child.workers[id] : undefined;
  if (row === undefined || row.prof_professional_name === '') return undefined;
  return {
    name: row.prof_professional_name,
    jobTitle: row.prof_professional_job_title,
    telephone: row.mcr_telephone,
    email: row.mcr_email,
  };
}

function practitioner(id: string, worker: Worker): Contained {
  return {
    resourceType: 'Practitioner',
    id,
    name: [{ text: worker.name }],
    ...telecoms(worker.telephone, worker.email),
  };
}
