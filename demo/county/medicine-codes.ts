import type { CodeableConcept } from '@medplum/fhirtypes';
import { coded, snomed } from './clinical-codes.ts';

/** Medicines by their dm+d codes, and vaccines. */

export const DMD = 'https://dmd.nhs.uk';

export interface Medicine {
  readonly code: CodeableConcept;
  readonly dose: string;
}

const medicine = (code: string, display: string, dose: string): Medicine => ({
  code: coded(DMD, code, display),
  dose,
});

export const PARACETAMOL = medicine(
  '42109611000001109',
  'Paracetamol 500mg tablets',
  'Two up to four times a day',
);
export const SALBUTAMOL = medicine(
  '39113611000001102',
  'Salbutamol 100micrograms/dose inhaler CFC free',
  'Two puffs when needed',
);
export const AMOXICILLIN = medicine(
  '39732311000001104',
  'Amoxicillin 250mg capsules',
  'One three times a day',
);

export const CHILD_MEDICINES: readonly Medicine[] = [
  SALBUTAMOL,
  AMOXICILLIN,
  medicine('323888003', 'Cefalexin 250mg/5ml oral suspension', '5ml three times a day'),
  medicine('324689003', 'Nystatin 100,000units/ml oral suspension', '1ml four times a day'),
  medicine('374372000', 'Betamethasone valerate 0.1% cream', 'Apply thinly once a day'),
];

export const ADULT_MEDICINES: readonly Medicine[] = [
  PARACETAMOL,
  SALBUTAMOL,
  medicine('319283006', 'Amlodipine 5mg tablets', 'One each day'),
  medicine('39733011000001106', 'Atorvastatin 20mg tablets', 'One each day'),
  medicine('317291008', 'Omeprazole 20mg gastro-resistant capsules', 'One each day'),
  medicine('325278007', 'Metformin 500mg tablets', 'One twice a day with food'),
  medicine('319775004', 'Aspirin 75mg tablets', 'One each day'),
  medicine('317972000', 'Furosemide 40mg tablets', 'One each morning'),
  medicine('325427002', 'Prednisolone 5mg tablets', 'As directed'),
  medicine('39732411000001106', 'Amoxicillin 500mg capsules', 'One three times a day'),
  medicine('41946511000001109', 'Clarithromycin 500mg tablets', 'One twice a day'),
  medicine('41948311000001104', 'Doxycycline 100mg capsules', 'Two on the first day, then one a day'),
  medicine('39687811000001107', 'Ciprofloxacin 500mg tablets', 'One twice a day'),
  medicine('322341003', 'Co-codamol 30mg/500mg tablets', 'One or two up to four times a day'),
  medicine('415165003', 'Pregabalin 300mg tablets', 'One twice a day'),
  medicine('320567001', 'Budesonide 200micrograms/dose dry powder inhaler', 'One puff twice a day'),
  medicine('321196004', 'Diazepam 2mg tablets', 'One at night when needed'),
];

export interface Vaccine {
  readonly code: CodeableConcept;
  /** for the UK Core extension VaccinationProcedure */
  readonly procedure: CodeableConcept;
  /** age in days when it is given; adults' from 18 years on */
  readonly ageDays: number;
}

const vaccine = (ageDays: number, code: CodeableConcept, procedure: CodeableConcept): Vaccine => ({
  code,
  procedure,
  ageDays,
});

const SIX_IN_ONE = snomed(
  '871895005',
  'Diphtheria and Haemophilus influenzae type B and hepatitis B and pertussis and poliomyelitis and tetanus vaccine',
);
const ROTAVIRUS = snomed('836387005', 'Rotavirus antigen-containing vaccine product');
const MENINGITIS = snomed('836401009', 'Neisseria meningitidis antigen-containing vaccine product');
const MMR = snomed('871831003', 'Measles and mumps and rubella vaccine');
const FLU = snomed('836377006', 'Influenza virus antigen-containing vaccine product');
const rotavirusGiven = snomed('415354003', 'Administration of rotavirus vaccine');
const mmrGiven = snomed('38598009', 'Administration of measles and mumps and rubella vaccine');
const sixInOneGiven = (code: string, nth: string): CodeableConcept =>
  snomed(code, `${nth} diphtheria, tetanus, pertussis, polio, Hib and hepatitis B vaccination`);

/** in the order in which they are given */
export const CHILD_VACCINES: readonly Vaccine[] = [
  vaccine(56, SIX_IN_ONE, sixInOneGiven('1082441000000108', 'First')),
  vaccine(57, ROTAVIRUS, rotavirusGiven),
  vaccine(58, MENINGITIS, snomed('720539004', 'Administration of first dose of meningitis B vaccine')),
  vaccine(84, SIX_IN_ONE, sixInOneGiven('1082451000000106', 'Second')),
  vaccine(85, ROTAVIRUS, rotavirusGiven),
  vaccine(112, SIX_IN_ONE, sixInOneGiven('1082461000000109', 'Third')),
  vaccine(365, MMR, mmrGiven),
  vaccine(1226, MMR, mmrGiven),
  vaccine(1900, FLU, snomed('1239861000000100', 'Seasonal influenza vaccination given in school')),
  vaccine(
    4600,
    snomed('836379009', 'Human papillomavirus antigen-containing vaccine product'),
    snomed('428741008', 'Administration of first dose of human papilloma virus vaccine'),
  ),
];

export const ADULT_VACCINES: readonly Vaccine[] = [
  vaccine(6600, FLU, snomed('86198006', 'Administration of influenza vaccine')),
  vaccine(
    6600,
    coded(
      DMD,
      '39115611000001103',
      'Comirnaty COVID-19 mRNA Vaccine 30micrograms/0.3ml dose concentrate for dispersion for injection multidose vials (Pfizer Ltd)',
    ),
    snomed('1324681000000101', 'Administration of first dose of SARS-CoV-2 vaccine'),
  ),
  vaccine(
    23_750,
    snomed('836398006', 'Streptococcus pneumoniae antigen-containing vaccine product'),
    snomed('12866006', 'Administration of pneumococcal vaccine'),
  ),
  vaccine(
    25_600,
    snomed('836495005', 'Human alphaherpesvirus 3 antigen-containing vaccine product'),
    snomed('722215002', 'Administration of Varicella-zoster vaccine for shingles'),
  ),
];
