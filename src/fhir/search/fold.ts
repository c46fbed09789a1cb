/** Letters that Unicode does not decompose, as English registers write them. */
const PLAIN: Readonly<Record<string, string>> = {
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ð: 'd',
  đ: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
  ß: 'ss',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII
const ASCII = /^[\x00-\x7f]*$/;

/** Most names and words: nothing in them but letters of ASCII and single spaces. */
const WORDS = /^[A-Za-z0-9]+(?: [A-Za-z0-9]+)*$/;

/** Lower case without accents, in letters of the English alphabet where there is one for it. */
export function plainLetters(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[æœøðđþłħıß]/g, (letter) => PLAIN[letter] ?? letter)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '');
}

/**
 * A string as searches compare it (R4 search.html#string): without regard to case, accents, apostrophes and full stops;
 * hyphens and runs of white space are one space.
 */
export function foldString(text: string): string {
  if (WORDS.test(text)) return text.toLowerCase();
  return plainLetters(text)
    .replace(/['.\u2018\u2019\u02bc]/g, '')
    .replace(/[-\u2010-\u2015\s]+/g, ' ')
    .trim();
}
