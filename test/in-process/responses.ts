import { randomUUID } from 'node:crypto';
import type { Awaited, Responses } from '../../rehearsal/cloudformation/responses';
import type { Journal } from '../../rehearsal/journal';

interface Issued extends Awaited {
  readonly deliver: (body: Buffer) => void;
  answers: number;
}

/** The response URLs of custom resources, for handlers of this process. */
export class InProcessResponses implements Responses {
  readonly secrets: string[] = [];
  private readonly issued = new Map<string, Issued>();

  constructor(private readonly journal: Journal) {}

  issue(request: Awaited): { readonly url: string; readonly answer: Promise<Buffer> } {
    const secret = randomUUID();
    const url = `https://cloudformation-custom-resource-response.s3.amazonaws.com/answer?X-Amz-Signature=${secret}`;
    this.secrets.push(secret);
    const answer = new Promise<Buffer>((deliver) => {
      this.issued.set(url, { ...request, deliver, answers: 0 });
    });
    return { url, answer };
  }

  /** @returns the HTTP status */
  put(url: string, body: string): number {
    const issued = this.issued.get(url);
    if (issued === undefined) {
      return 403;
    }
    issued.answers += 1;
    this.journal.write('s3', issued.logicalId, `answer number ${issued.answers} to request ${issued.requestId}: ${body}`);
    issued.deliver(Buffer.from(body));
    return 200;
  }
}
