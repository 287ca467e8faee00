/**
 * Where an event happened: in a service (`states` is Step Functions), or in the `rehearsal` itself, when a step begins or a fault is
 * injected.
 */
export type Source =
  'cloudformation' | 'lambda' | 'gamelift' | 'ec2' | 'sts' | 'iam' | 's3' | 'sqs' | 'scheduler' | 'states' | 'rehearsal';

/** The machine-readable form of an entry. `message` is the readable form. */
export type Detail =
  | { readonly kind: 'stack'; readonly stack: string; readonly status: string; readonly reason: string | undefined }
  | {
      readonly kind: 'resource';
      readonly stack: string;
      readonly logicalId: string;
      readonly resourceType: string;
      readonly physicalId: string | undefined;
      readonly status: string;
      readonly reason: string | undefined;
    }
  | { readonly kind: 'fleet'; readonly status: string }
  | { readonly kind: 'peering'; readonly outcome: 'SUCCEEDED' | 'FAILED' | 'DELETED' }
  | {
      readonly kind: 'call';
      /** 'succeeded', or the name of the error. */
      readonly outcome: string;
      /** Undefined if the caller could not be authenticated. */
      readonly callerArn: string | undefined;
      /** The ids of the resources that the call is about. */
      readonly ids: readonly string[];
    }
  /** One run of a function. */
  | { readonly kind: 'run started' | 'run ended'; readonly requestId: string };

/** An event in the rehearsal. */
export interface Entry {
  /** Rehearsed time, in milliseconds since the epoch. */
  readonly time: number;
  readonly source: Source;
  /** What the event is about, such as a stack, a resource, an operation, a function or a step. */
  readonly subject: string;
  /** One sentence, or a status. */
  readonly message: string;
  readonly detail?: Detail;
}

type Listener = (entry: Entry) => void;

/** Records all events in order. Listeners receive each entry when it is written. */
export class Journal {
  readonly entries: Entry[] = [];
  private readonly listeners: Listener[] = [];

  constructor(private readonly now: () => number) {}

  onEntry(listener: Listener): void {
    this.listeners.push(listener);
  }

  write(source: Source, subject: string, message: string, detail?: Detail): void {
    const entry: Entry = { time: this.now(), source, subject, message, ...(detail === undefined ? {} : { detail }) };
    this.entries.push(entry);
    for (const listener of this.listeners) {
      listener(entry);
    }
  }
}
