import { GOVERNANCE_PURPOSE } from '../access/rules/purpose.ts';
import { ACT_REASON } from './codes.ts';

/** Purposes that are codes of our own: those of the desks. */
const OWN_PURPOSE = 'https://mycarerecord.example/fhir/CodeSystem/purpose';

/** v3-ActReason below PurposeOfUse (2018-08-12), whether permitted here or not: a refusal is told with the code it claimed. */
const PURPOSES_OF_USE: ReadonlySet<string> = new Set(
  (
    'HMARKT HOPERAT CAREMGT DONAT FRAUD GOV HACCRED HCOMPL HDECD HDIRECT HDM HLEGAL HOUTCOMS HPRGRP HQUALIMP ' +
    'HSYSADMIN LABELING METAMGT MEMADMIN MILCDM PATADMIN PATSFTY PERFMSR RECORDMGT SYSDEV HTEST TRAIN HPAYMT ' +
    'CLMATTCH COVAUTH COVERAGE ELIGDTRM ELIGVER ENROLLM MILDCRG REMITADV HRESCH BIORCH CLINTRCH CLINTRCHNPC ' +
    'CLINTRCHPC PRECLINTRCH DSRCH POARCH TRANSRCH PATRQT FAMRQT PWATRNY SUPNWK PUBHLTH DISASTER THREAT TREAT ' +
    'CLINTRL COC ETREAT BTG ERTREAT POPHLTH'
  ).split(' '),
);

/** @returns the code system that has a purpose; undefined for a claim that is no code of any */
export function systemOfPurpose(purpose: string): string | undefined {
  if (purpose === GOVERNANCE_PURPOSE) return OWN_PURPOSE;
  return PURPOSES_OF_USE.has(purpose) ? ACT_REASON : undefined;
}
