import type { FoundServer, ProjectFolder } from './project';

/** The ways to read an environment variable in any language, up to its name. */
const reading = String.raw`(?:(?<![A-Za-z])(?:env|ENV|environ|envconfig)|[gG]et_?[eE]nv\w*|[lL]ookup_?[eE]nv\w*|var_os|env::var|EnvironmentVariable|[cC]onfig\w*(?:\(\))?\.(?:get\w*|[vV]alue)(?:<[\w ]+>)?)[?!]?\W{1,3}(?:\w+\W{1,3})?`;
const name = String.raw`((?:(?:HTTP|HTTPS|SERVER|APP|APPLICATION|WEB|API|LISTEN|SERVICE|NODE|BACKEND|FRONTEND|WEBSITES?|LOCAL)_)?PORT)\b`;
const readers = [
  new RegExp(reading + name),
  new RegExp(String.raw`\{[^{}]*?\b${name}[^{}]*\}\s*=\s*(?:process|Bun)\.env`),
  /\$\{?(PORT)\b/,
];

const fixed = /\b(?:listen\w*|run|start|bind|serve|server|addr|address|port)\b[^;\n]{0,60}?(?<![\d.])([1-9]\d{3,4})\b/i;

/** The place where a program decides on which port it listens. */
export type PortSource =
  { readonly variable: string; readonly file: string } | { readonly port: string; readonly file: string; readonly line: number };

/** Returns how the sources choose their port, or undefined if they do not say. A variable is preferred over a fixed port. */
export function portIn(project: ProjectFolder, files: readonly string[]): PortSource | undefined {
  const texts = files.slice(0, 400).map((file) => ({ file, text: project.text(file) }));
  const found = texts.flatMap(({ file, text }) => {
    const variable = readers.map((reader) => reader.exec(text)?.[1]).find((one) => one !== undefined);
    return variable === undefined ? [] : [{ variable, file }];
  });
  const best = found.find(({ variable }) => variable === 'PORT') ?? found[0];
  if (best) return best;
  for (const { file, text } of texts) {
    for (const [index, line] of text.split('\n').entries()) {
      const port = line.length < 500 && !/^\s*(\/\/|#|\*|\/\*)/.test(line) ? fixed.exec(line)?.[1] : undefined;
      if (port !== undefined) return { port, file, line: index + 1 };
    }
  }
  return undefined;
}

/** Returns a server that starts with `command` and gets its port as the sources read it. Asks if they read no variable. */
export function serverAt(project: ProjectFolder, command: string, files: readonly string[]): FoundServer {
  const source = portIn(project, files);
  const health = healthPathIn(
    files
      .slice(0, 400)
      .map((file) => project.text(file))
      .join('\n'),
  );
  if (source && 'variable' in source) {
    const start = source.variable === 'PORT' ? command : `${source.variable}=$PORT ${command}`;
    return { kind: 'process', start, health };
  }
  const question = source
    ? `${source.file}:${source.line} listens on port ${source.port}. Can it listen on the port in the variable PORT?`
    : 'does the program listen on the port in the variable PORT?';
  return { kind: 'process', start: command, health, question, ...(source && { port: source.port }) };
}

/** Returns a common health check path that occurs in the source. */
export function healthPathIn(source: string): string | undefined {
  return /["'`](?:GET )?(\/(?:healthz?|readyz?|livez|_health|api\/healthz?|status\/health))["'`]/.exec(source)?.[1];
}
