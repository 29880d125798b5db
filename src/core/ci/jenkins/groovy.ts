/** A string of Groovy in which nothing is replaced. */
export function groovyText(text: string): string {
  const escaped = text.replace(/\\/g, '\\\\').replace(/'/g, `\\'`);
  return text.includes('\n') ? `'''${escaped}'''` : `'${escaped}'`;
}
