/** `12) ` before an entry of a list: digits alone begin most lines of most logs. */
export const numbered = Array.from('0123456789', (digit) => `${digit}) `);
