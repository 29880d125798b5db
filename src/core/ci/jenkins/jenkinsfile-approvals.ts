import type { ApprovalPlace } from '../ci-service';

/** Finds `input`, outside of comments and strings. */
export function jenkinsfileApprovals(content: string): ApprovalPlace[] {
  const blank = (text: string): string => text.replace(/[^\n'"]/g, ' ');
  const code = content.replace(/'''[\s\S]*?'''|"""[\s\S]*?"""|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|\/\/.*/g, (part) =>
    part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : blank(part),
  );
  return code.split('\n').flatMap((line, index) => {
    const isInput = /(?:^|[{;=]|\breturn\b)\s*input\s*(\(|\{|message\b|id\b|'|")/.test(line);
    return isInput ? [{ line: index + 1, message: 'the pipeline waits for a person at `input`' }] : [];
  });
}
