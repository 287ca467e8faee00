import { QUESTIONS, readingNamed } from './questions';
import type { Question, Reading } from './questions';
import type { Redaction } from './redact';

/** What the probe found about a question. */
export type Finding =
  | { readonly question: Question; readonly kind: 'settled'; readonly reading: string; readonly evidence: string }
  | { readonly question: Question; readonly kind: 'open'; readonly why: string };

/** Collects the findings, and tells each of them as it comes. */
export class Findings {
  private readonly found = new Map<Question, Finding>();

  constructor(
    private readonly redaction: Redaction,
    private readonly tell: (line: string) => void,
  ) {}

  settle<Name extends Question>(question: Name, reading: Reading<Name>, evidence: string): void {
    this.add({ question, kind: 'settled', reading, evidence: this.redaction.apply(evidence) });
  }

  /** Settles a question whose readings are names of errors. It stays open if AWS uses a name that is none of the readings. */
  settleByName(question: Question, name: string, evidence: string): void {
    const reading = readingNamed(question, name);
    if (reading === undefined) {
      this.leaveOpen(question, `${evidence}. This is none of the readings: ${QUESTIONS[question].join(', ')}`);
    } else {
      this.add({ question, kind: 'settled', reading, evidence: this.redaction.apply(evidence) });
    }
  }

  leaveOpen(question: Question, why: string): void {
    this.add({ question, kind: 'open', why: this.redaction.apply(why) });
  }

  /** All questions in the order of the table. `why` is for those that nothing was found about. */
  all(why: string): readonly Finding[] {
    return (Object.keys(QUESTIONS) as Question[]).map(
      (question) => this.found.get(question) ?? { question, kind: 'open', why: this.redaction.apply(why) },
    );
  }

  private add(finding: Finding): void {
    this.found.set(finding.question, finding);
    this.tell(
      finding.kind === 'settled'
        ? `${finding.question}: ${finding.reading}. ${finding.evidence}`
        : `${finding.question}: not determined. ${finding.why}`,
    );
  }
}
