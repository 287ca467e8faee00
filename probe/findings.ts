import { QUESTIONS, findReading } from './questions';
import type { Question, Reading } from './questions';
import type { Redaction } from './redact';

/** The answer to a question, or the reason why it is still open. */
export type Finding =
  | { readonly question: Question; readonly kind: 'settled'; readonly reading: string; readonly evidence: string }
  | { readonly question: Question; readonly kind: 'open'; readonly reason: string };

/** Collects the findings, and prints each one. */
export class Findings {
  private readonly findings = new Map<Question, Finding>();

  constructor(
    private readonly redaction: Redaction,
    private readonly print: (line: string) => void,
  ) {}

  settle<Name extends Question>(question: Name, reading: Reading<Name>, evidence: string): void {
    this.add({ question, kind: 'settled', reading, evidence: this.redaction.apply(evidence) });
  }

  /** Settles a question whose readings are names of errors. Leaves it open if no reading has this name. */
  settleByName(question: Question, name: string, evidence: string): void {
    const reading = findReading(question, name);
    if (reading === undefined) {
      this.leaveOpen(question, `${evidence}. No reading has this name: ${QUESTIONS[question].join(', ')}`);
    } else {
      this.add({ question, kind: 'settled', reading, evidence: this.redaction.apply(evidence) });
    }
  }

  leaveOpen(question: Question, reason: string): void {
    this.add({ question, kind: 'open', reason: this.redaction.apply(reason) });
  }

  /** Returns one finding for each question. A question that has no finding yet is open, for the reason `reasonIfMissing`. */
  all(reasonIfMissing: string): readonly Finding[] {
    return (Object.keys(QUESTIONS) as Question[]).map(
      (question) => this.findings.get(question) ?? { question, kind: 'open', reason: this.redaction.apply(reasonIfMissing) },
    );
  }

  private add(finding: Finding): void {
    this.findings.set(finding.question, finding);
    this.print(
      finding.kind === 'settled'
        ? `${finding.question}: ${finding.reading}. ${finding.evidence}`
        : `${finding.question}: not determined. ${finding.reason}`,
    );
  }
}
