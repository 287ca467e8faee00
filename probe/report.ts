import { stripVTControlCharacters } from 'node:util';
import type { Finding } from './findings';

/*
 * Formats the findings as a table, and as JSON for the rehearsal.
 */

/** Returns the content of a file for `npm run rehearse -- --readings FILE`. */
export function reportJson(findings: readonly Finding[], source: { readonly region: string; readonly date: Date }): string {
  const questions = Object.fromEntries(
    findings.map((finding) => [
      finding.question,
      finding.kind === 'settled' ? { reading: finding.reading, evidence: finding.evidence } : { undetermined: finding.reason },
    ]),
  );
  const content = { probedOn: source.date.toISOString().slice(0, 10), region: source.region, questions };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

const EVIDENCE_WIDTH = 90;

/** Returns a table. Wraps the last column, which contains the evidence. */
export function reportTable(findings: readonly Finding[]): string {
  const rows = [
    ['question', 'reading', 'evidence, or why it is not determined'],
    ...findings.map((finding) =>
      finding.kind === 'settled'
        ? [finding.question, finding.reading, finding.evidence]
        : [finding.question, 'not determined', finding.reason],
    ),
  ];
  const widthOf = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const [questionWidth, readingWidth] = [widthOf(0), widthOf(1)];
  return rows
    .flatMap(([question = '', reading = '', evidence = '']) =>
      wrap(evidence).map((line, index) =>
        [(index === 0 ? question : '').padEnd(questionWidth), (index === 0 ? reading : '').padEnd(readingWidth), line]
          .join('  ')
          .trimEnd(),
      ),
    )
    .join('\n');
}

function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of stripVTControlCharacters(text).split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > EVIDENCE_WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
