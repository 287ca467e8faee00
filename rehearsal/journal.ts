/** The part of the simulated world in which something happened. */
export type Source =
  'cloudformation' | 'lambda' | 'gamelift' | 'ec2' | 'sts' | 'iam' | 's3' | 'sqs' | 'scheduler' | 'states' | 'story';

/** One thing that happened in the rehearsed world. */
export interface Entry {
  /** Rehearsed time, in milliseconds since the epoch. */
  readonly time: number;
  readonly source: Source;
  /** What it happened to: a logical id, an operation, a function. */
  readonly subject: string;
  /** One sentence, or a status. */
  readonly message: string;
}

export type Listener = (entry: Entry) => void;

/** Everything that happened, in order; listeners see each entry as it comes. */
export class Journal {
  readonly entries: Entry[] = [];
  private readonly listeners: Listener[] = [];

  constructor(private readonly now: () => number) {}

  onEntry(listener: Listener): void {
    this.listeners.push(listener);
  }

  write(source: Source, subject: string, message: string): void {
    const entry: Entry = { time: this.now(), source, subject, message };
    this.entries.push(entry);
    for (const listener of this.listeners) {
      listener(entry);
    }
  }
}
