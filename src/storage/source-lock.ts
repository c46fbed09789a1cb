/** First of two numbers of the advisory lock of a source; the second is the source's. Whatever loads it holds it. */
export const SOURCE_LOCK = 7_236_916;
