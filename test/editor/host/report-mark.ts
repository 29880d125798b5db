/** Before each line of the tests' report: it tells them from what VS Code itself logs. */
export const reportMark = '│ ';
