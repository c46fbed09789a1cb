import type { CodeableConcept } from '@medplum/fhirtypes';

/** Clinical codes as facts: a small, well-known choice, enough to look at. Nothing here is medical knowledge. */

export const SNOMED = 'http://snomed.info/sct';
export const LOINC = 'http://loinc.org';

export function coded(system: string, code: string, display: string): CodeableConcept {
  return { coding: [{ system, code, display }], text: display };
}

export function snomed(code: string, display: string): CodeableConcept {
  return coded(SNOMED, code, display);
}

function concepts(table: Readonly<Record<string, string>>): readonly CodeableConcept[] {
  return Object.entries(table).map(([code, display]) => snomed(code, display));
}

export const CHILD_PROBLEMS = concepts({
  '195967001': 'Asthma',
  '24079001': 'Atopic dermatitis',
  '65363002': 'Otitis media',
  '43878008': 'Streptococcal sore throat',
  '195662009': 'Acute viral pharyngitis',
  '4120002': 'Bronchiolitis',
  '68566005': 'Urinary tract infection',
  '406506008': 'Attention deficit hyperactivity disorder',
  '35919005': 'Autism spectrum disorder',
  '84757009': 'Epilepsy',
  '46635009': 'Type 1 diabetes mellitus',
  '87522002': 'Iron deficiency anaemia',
});

export const ADULT_PROBLEMS = concepts({
  '59621000': 'Essential hypertension',
  '44054006': 'Type 2 diabetes mellitus',
  '195967001': 'Asthma',
  '37796009': 'Migraine',
  '35489007': 'Depressive disorder',
  '197480006': 'Anxiety disorder',
  '414916001': 'Obesity',
  '235595009': 'Gastro-oesophageal reflux disease',
  '40930008': 'Hypothyroidism',
  '55822004': 'Hyperlipidaemia',
  '10509002': 'Acute bronchitis',
  '36971009': 'Sinusitis',
  '68566005': 'Urinary tract infection',
  '840539006': 'COVID-19',
});

export const ELDER_PROBLEMS = concepts({
  '59621000': 'Essential hypertension',
  '44054006': 'Type 2 diabetes mellitus',
  '49436004': 'Atrial fibrillation',
  '53741008': 'Coronary arteriosclerosis',
  '84114007': 'Heart failure',
  '230690007': 'Cerebrovascular accident',
  '13645005': 'Chronic obstructive lung disease',
  '396275006': 'Osteoarthritis',
  '69896004': 'Rheumatoid arthritis',
  '52448006': 'Dementia',
  '433144002': 'Chronic kidney disease stage 3',
  '271737000': 'Anaemia',
  '233604007': 'Pneumonia',
});

export const MENTAL_PROBLEMS = concepts({
  '35489007': 'Depressive disorder',
  '197480006': 'Anxiety disorder',
  '13746004': 'Bipolar disorder',
  '58214004': 'Schizophrenia',
  '47505003': 'Posttraumatic stress disorder',
  '72366004': 'Eating disorder',
  '406506008': 'Attention deficit hyperactivity disorder',
});

/** why people ring at night or call an ambulance */
export const COMPLAINTS = concepts({
  '386661006': 'Fever',
  '49727002': 'Cough',
  '29857009': 'Chest pain',
  '21522001': 'Abdominal pain',
  '25064002': 'Headache',
  '267036007': 'Dyspnoea',
  '422400008': 'Vomiting',
  '271807003': 'Eruption of skin',
  '217082002': 'Accidental fall',
});

export interface Allergen {
  readonly code: CodeableConcept;
  readonly category: 'food' | 'medication' | 'environment';
}

const substance = (category: Allergen['category'], code: string, display: string): Allergen => ({
  code: snomed(code, display),
  category,
});

export const PENICILLIN = substance('medication', '764146007', 'Penicillin');
export const PEANUT = substance('food', '256349002', 'Peanut');
export const ALLERGENS: readonly Allergen[] = [
  PENICILLIN,
  substance('medication', '387458008', 'Aspirin'),
  substance('medication', '387207008', 'Ibuprofen'),
  PEANUT,
  substance('food', '102263004', 'Eggs (edible)'),
  substance('food', '3718001', 'Cow’s milk'),
  substance('environment', '111088007', 'Latex'),
  substance('environment', '256277009', 'Grass pollen'),
  substance('environment', '260147004', 'House dust mite'),
];

export const NO_KNOWN_ALLERGY = snomed('716186003', 'No known allergy');

export const REACTIONS = concepts({
  '247472004': 'Weal',
  '271807003': 'Eruption of skin',
  '39579001': 'Anaphylaxis',
  '56018004': 'Wheezing',
  '422587007': 'Nausea',
});

export const HOSPITAL_PROCEDURES = concepts({
  '80146002': 'Appendectomy',
  '73761001': 'Colonoscopy',
  '52734007': 'Total replacement of hip',
  '609588000': 'Total knee replacement',
  '173422009': 'Tonsillectomy',
  '40701008': 'Echocardiography',
  '29303009': 'Electrocardiographic procedure',
  '77477000': 'Computerised axial tomography',
  '113091000': 'Magnetic resonance imaging',
  '16310003': 'Ultrasonography',
});

export const COMMUNITY_PROCEDURES = concepts({
  '225358003': 'Wound care',
  '76601001': 'Intramuscular injection',
  '274474001': 'Bone immobilization',
  '91251008': 'Physical therapy procedure',
});

export const REFERRALS = concepts({
  '306206005': 'Referral to service',
  '183519002': 'Referral to cardiology service',
  '308447003': 'Referral to physiotherapist',
});

export const CONSULTATION = snomed('11429006', 'Consultation');
export const TELEPHONE = snomed('185317003', 'Telephone encounter');
export const VISITS = [snomed('185349003', 'Encounter for check up'), CONSULTATION, TELEPHONE] as const;
export const AMBULANCE = snomed('409971007', 'Emergency medical services');
export const EMERGENCY = snomed('50849002', 'Emergency department patient visit');
export const HOME_VISIT = snomed('439708006', 'Home visit');

export interface Measure {
  readonly code: CodeableConcept;
  readonly unit: string;
  /** UCUM */
  readonly ucum: string;
  readonly low: number;
  readonly high: number;
  /** decimal places */
  readonly places: 0 | 1;
}

function measure(
  code: string,
  display: string,
  unit: string,
  ucum: string,
  low: number,
  high: number,
): Measure {
  return { code: snomed(code, display), unit, ucum, low, high, places: high < 60 ? 1 : 0 };
}

/** With a LOINC code beside the SNOMED CT one, as UK Core asks of vital signs. */
function vital(loinc: string, base: Measure): Measure {
  const { coding = [], text = '' } = base.code;
  return { ...base, code: { coding: [...coding, { system: LOINC, code: loinc, display: text }], text } };
}

export const HEART_RATE = vital('8867-4', measure('364075005', 'Heart rate', 'beats/min', '/min', 52, 118));
export const BREATHS = vital(
  '9279-1',
  measure('86290005', 'Respiratory rate', 'breaths/min', '/min', 11, 28),
);
export const TEMPERATURE = vital('8310-5', measure('386725007', 'Body temperature', '°C', 'Cel', 36, 39));
export const OXYGEN = vital(
  '2708-6',
  measure('431314004', 'Peripheral oxygen saturation', '%', '%', 90, 100),
);
export const ADULT_WEIGHT = vital('29463-7', measure('27113001', 'Body weight', 'kg', 'kg', 48, 118));
export const CHILD_WEIGHT = vital('29463-7', measure('27113001', 'Body weight', 'kg', 'kg', 9, 58));
export const ADULT_HEIGHT = vital('8302-2', measure('50373000', 'Body height measure', 'cm', 'cm', 150, 195));
export const CHILD_HEIGHT = vital('8302-2', measure('50373000', 'Body height measure', 'cm', 'cm', 75, 170));
export const BMI = vital('39156-5', measure('60621009', 'Body mass index', 'kg/m2', 'kg/m2', 18, 39));
export const SYSTOLIC = vital(
  '8480-6',
  measure('271649006', 'Systolic blood pressure', 'mmHg', 'mm[Hg]', 100, 165),
);
export const DIASTOLIC = vital(
  '8462-4',
  measure('271650006', 'Diastolic blood pressure', 'mmHg', 'mm[Hg]', 60, 99),
);
export const BLOOD_PRESSURE: CodeableConcept = {
  coding: [
    { system: SNOMED, code: '75367002', display: 'Blood pressure' },
    { system: LOINC, code: '85354-9', display: 'Blood pressure panel with all children optional' },
  ],
  text: 'Blood pressure',
};
export const EARLY_WARNING: Measure = measure(
  '1104051000000101',
  'Royal College of Physicians NEWS2 (National Early Warning Score 2) total score',
  'score',
  '{score}',
  0,
  9,
);

export const SMOKING = snomed('365981007', 'Tobacco smoking behaviour');
export const SMOKING_ANSWERS = concepts({
  '266919005': 'Never smoked tobacco',
  '8517006': 'Ex-smoker',
  '77176002': 'Smoker',
});

export const SHARING_REFUSED = snomed(
  '416409005',
  'Refused consent for upload to local shared electronic record',
);
export const SHARING_AGREED = snomed(
  '417528008',
  'Consent given for upload to local shared electronic record',
);

export interface Panel {
  readonly code: CodeableConcept;
  readonly tests: readonly [Measure, Measure, Measure];
}

/** Laboratory reports, each of three results. */
export const PANELS: readonly Panel[] = [
  {
    code: snomed('26604007', 'Full blood count'),
    tests: [
      measure('1022431000000105', 'Haemoglobin estimation', 'g/L', 'g/L', 95, 170),
      measure('1022541000000102', 'Total white cell count', '10*9/L', '10*9/L', 3, 14),
      measure('1022651000000100', 'Platelet count', '10*9/L', '10*9/L', 120, 430),
    ],
  },
  {
    code: coded(LOINC, '51990-0', 'Basic metabolic panel - Blood'),
    tests: [
      measure('1000661000000107', 'Serum sodium level', 'mmol/L', 'mmol/L', 131, 146),
      measure('1000651000000109', 'Serum potassium level', 'mmol/L', 'mmol/L', 3, 6),
      measure('1000731000000107', 'Serum creatinine level', 'µmol/L', 'umol/L', 45, 160),
    ],
  },
  {
    code: coded(LOINC, '57698-3', 'Lipid panel with direct LDL - Serum or Plasma'),
    tests: [
      measure('1005671000000105', 'Serum cholesterol level', 'mmol/L', 'mmol/L', 3, 8),
      measure(
        '1005681000000107',
        'Serum high density lipoprotein cholesterol level',
        'mmol/L',
        'mmol/L',
        0,
        3,
      ),
      measure(
        '1006191000000106',
        'Serum non high density lipoprotein cholesterol level',
        'mmol/L',
        'mmol/L',
        2,
        6,
      ),
    ],
  },
  {
    code: snomed('371528001', 'Pathology report'),
    tests: [
      measure('1001371000000100', 'Serum CRP (C reactive protein) level', 'mg/L', 'mg/L', 1, 90),
      measure('1018251000000107', 'Serum alanine aminotransferase level', 'U/L', 'U/L', 10, 90),
      measure('1000821000000103', 'Serum albumin level', 'g/L', 'g/L', 28, 50),
    ],
  },
];
