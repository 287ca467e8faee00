import type { Api, Pair } from './api';
import type { Answer, Calls } from './calls';
import type { Findings } from './findings';
import type { Observer } from './observer';
import type { ReadBack } from './read-back';

/** When a connection was last changed. Until reads show it, undoing does not trust them. */
export interface Changes {
  last?: number;
}

/** What each experiment works with. */
export interface Lab {
  readonly calls: Calls;
  readonly api: Api;
  readonly pair: Pair;
  readonly observer: Observer;
  readonly readBack: ReadBack;
  readonly findings: Findings;
  readonly changes: Changes;
  readonly tell: (line: string) => void;
}

/** An answer in the words of the report. */
export function answerText(answer: Answer<unknown>): string {
  return answer.kind === 'answered' ? 'success' : refusalText(answer);
}

export function refusalText({ name, message }: { readonly name: string; readonly message: string }): string {
  return `${name} (${message.replace(/\.$/, '')})`;
}
