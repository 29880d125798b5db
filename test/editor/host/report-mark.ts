/** Starts each line of the test report, to separate it from the log of VS Code. */
export const reportMark = '│ ';
