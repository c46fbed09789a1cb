/** Names of nobody in particular: common ones, with the letters that real registers hold. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const SURNAMES = words(`
  Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White Roberts
  Green Hall Thomas Clarke Jackson Wood Harris Edwards Turner Martin Cooper Hill Ward Hughes Moore Clark King Harrison
  Lewis Baker Lee Allen Morris Khan Scott Watson Davis Parker Bennett Young Phillips Richardson Griffiths Bailey Hussain
  Mitchell Ali Cox Kelly Shah Kaur Singh Ahmed Begum Mahmood Akhtar Chapman Foster Gray Mason Knight Fletcher Marshall
  Webb Palmer Hunt Mills Rogers Stevens Simpson Fisher Barnes Lloyd Butler Russell Pearson Dixon Harvey Reynolds Fox
  O’Connor O’Brien D’Souza García Núñez Kowalski Wiśniewska Łukaszewicz Nowak Müller Schröder Øvergård Novák Popescu
  Nguyễn Adeyemi Okafor Mbeki Chaudhry Iqbal Rashid Siddiqui Fernández Santos-Silva Smythe-Jones Chen Wang Zhang
`);

export const GIRLS = words(`
  Olivia Amelia Isla Ava Lily Freya Florence Grace Willow Sophie Ivy Ella Evie Poppy Charlotte Rosie Daisy Emily Sienna
  Maryam Aisha Fatima Zara Anaya Aaliyah Zoë Siân Chloé Renée Zofia Agnieszka Ngọc Ana Sofía Margaret Susan Patricia
  Jean Dorothy Christine Jacqueline Karen Julie Sarah Claire Emma Rebecca Rachel Joanne Nicola Priya Anjali Gurpreet
`);

export const BOYS = words(`
  Oliver George Noah Arthur Harry Leo Muhammad Jack Charlie Oscar Jacob Henry Thomas Freddie Alfie Theo William Archie
  Joshua Max Lucas Ibrahim Yusuf Zain Adam Ethan Ayaan André François José Łukasz Krzysztof Jürgen Søren Rhys Owain
  David John Peter Michael Alan Brian Keith Kenneth Paul Andrew Stephen Mark Daniel Matthew Rajesh Sanjay Harpreet
`);

/** invented */
export const STREETS = [
  'Larkspur Way',
  'Beechen Rise',
  'Chalk Pit Lane',
  'Kiln Orchard',
  'Red Kite Drive',
  'Wharf Cottages',
  'Misbourne Gardens',
  'Old Tannery Yard',
  'Ridgeway Crescent',
  'Saddler’s Close',
  'St Osyth’s Terrace',
  'Thistle Bank',
  'Windmill Piece',
  'Chairmaker’s Row',
  'Lacemaker Street',
  'Bodger’s Hill',
] as const;

export interface Town {
  readonly name: string;
  readonly outward: readonly string[];
  /** ODS codes of the practices where its people register */
  readonly practices: readonly string[];
}

export const TOWNS: readonly Town[] = [
  { name: 'Aylesbury', outward: ['HP19', 'HP20', 'HP21'], practices: ['K82014', 'K82019'] },
  { name: 'Wendover', outward: ['HP22'], practices: ['K82014', 'K82019'] },
  { name: 'High Wycombe', outward: ['HP11', 'HP12', 'HP13'], practices: ['K82036'] },
  { name: 'Princes Risborough', outward: ['HP27'], practices: ['K82036'] },
  { name: 'Amersham', outward: ['HP6', 'HP7'], practices: ['K82001', 'K82004'] },
  { name: 'Chesham', outward: ['HP5'], practices: ['K82001', 'K82004'] },
  { name: 'Beaconsfield', outward: ['HP9'], practices: ['K82001', 'K82006'] },
  { name: 'Gerrards Cross', outward: ['SL9'], practices: ['K82006'] },
  { name: 'Iver', outward: ['SL0'], practices: ['K82006'] },
  { name: 'Marlow', outward: ['SL7'], practices: ['K82023'] },
  { name: 'Bourne End', outward: ['SL8'], practices: ['K82023'] },
  { name: 'Buckingham', outward: ['MK18'], practices: ['K82007'] },
];

/** Letters that no real inward code has: no one lives at a postcode made of them. */
export const UNUSED_INWARD_LETTERS = ['C', 'I', 'K', 'M', 'O', 'V'] as const;

/** UK Core ethnic categories (England), roughly as common as in the county */
export const ETHNIC_CATEGORIES = [
  ...Array<string>(30).fill('A'),
  ...[
    'B',
    'C',
    'C',
    'C',
    'D',
    'E',
    'F',
    'G',
    'H',
    'H',
    'J',
    'J',
    'J',
    'K',
    'L',
    'M',
    'N',
    'P',
    'R',
    'S',
    'Z',
    'Z',
    '99',
  ],
] as const;

const ETHNIC_DISPLAY: Readonly<Record<string, string>> = {
  A: 'White - British',
  B: 'White - Irish',
  C: 'White - Any other White background',
  D: 'Mixed - White and Black Caribbean',
  E: 'Mixed - White and Black African',
  F: 'Mixed - White and Asian',
  G: 'Mixed - Any other mixed background',
  H: 'Asian or Asian British - Indian',
  J: 'Asian or Asian British - Pakistani',
  K: 'Asian or Asian British - Bangladeshi',
  L: 'Asian or Asian British - Any other Asian background',
  M: 'Black or Black British - Caribbean',
  N: 'Black or Black British - African',
  P: 'Black or Black British - Any other Black background',
  R: 'Other Ethnic Groups - Chinese',
  S: 'Other Ethnic Groups - Any other ethnic group',
  Z: 'Not stated',
  '99': 'Not known',
};

export function ethnicDisplay(code: string): string {
  return ETHNIC_DISPLAY[code] ?? 'Not known';
}
