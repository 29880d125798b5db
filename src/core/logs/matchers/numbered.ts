/** `12) ` before an entry of a list. Digits alone are too common as a first character. */
export const numbered = Array.from('0123456789', (digit) => `${digit}) `);
