import { findOnly } from '../find-only';
import type { Journal } from '../../journal';
import type { Clock } from '../../time/clock';
import type { Metrics } from '../cloudwatch/metrics';
import type { Decision, Iam } from '../iam/iam';
import { Ids } from '../ids';
import { arnOf, urlSuffixOf } from '../partitions';
import type { Place } from '../service';

export interface Message {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Rehearsed time, in milliseconds since the epoch. */
  readonly sent: number;
}

/** The service that sends a message, and the role that it uses. */
export interface Sender {
  readonly roleArn: string;
  readonly service: string;
}

interface StoredMessage extends Message {
  receivedAt: number | undefined;
}

interface Queue {
  readonly place: Place;
  readonly name: string;
  retentionSeconds: number;
  policy: object | undefined;
  readonly messages: StoredMessage[];
  /** The times at which messages were sent or received. */
  readonly activity: number[];
}

const NAMESPACE = 'AWS/SQS';
/** An empty queue sends no metrics to CloudWatch after this time without activity. */
const INACTIVE_MS = 6 * 3_600_000;

/** SQS standard queues. Services send messages to them, and tests read the messages. */
export class Queues {
  private readonly queues = new Map<string, Queue>();
  private readonly ids = new Ids();

  constructor(
    private readonly clock: Clock,
    private readonly journal: Journal,
    private readonly iam: Iam,
    private readonly metrics: Metrics,
  ) {}

  /** @returns the queue's ARN. */
  create(place: Place, name: string, retentionSeconds: number): string {
    const arn = arnOf(place, 'sqs', name);
    if (this.queues.has(arn)) {
      throw new Error(`Resource of type 'AWS::SQS::Queue' with identifier '${urlOf(place, name)}' already exists.`);
    }
    const queue: Queue = { place, name, retentionSeconds, policy: undefined, messages: [], activity: [this.clock.now()] };
    this.queues.set(arn, queue);
    this.metrics.addGauge(metricOf(queue, 'ApproximateNumberOfMessagesVisible'), (time) => visibleCount(queue, time));
    return arn;
  }

  configure(arn: string, retentionSeconds: number): void {
    this.find(arn).retentionSeconds = retentionSeconds;
  }

  delete(arn: string): void {
    this.queues.delete(arn);
  }

  list(): (Place & { readonly name: string; readonly retentionSeconds: number; readonly policy?: object })[] {
    return [...this.queues.values()].map(({ place: { account, region }, name, retentionSeconds, policy }) => {
      const queue = { name, account, region, retentionSeconds };
      return policy === undefined ? queue : { ...queue, policy };
    });
  }

  /** @param queueUrl the value that `Ref` of a queue returns */
  setPolicy(queueUrl: string, policy: object | undefined): void {
    const queue = [...this.queues.values()].find(({ place, name }) => urlOf(place, name) === queueUrl);
    if (!queue) {
      throw new Error(`The specified queue does not exist: ${queueUrl}`);
    }
    queue.policy = policy;
  }

  /** Sends a message if the sender's role and the queue's policy allow it. */
  async send(arn: string, { roleArn, service }: Sender, message: Pick<Message, 'body' | 'attributes'>): Promise<Decision> {
    const queue = this.queues.get(arn);
    if (!queue) {
      return { allowed: false, reason: `The specified queue does not exist: ${arn}` };
    }
    const { policy, place, name } = queue;
    const target = { arn, account: place.account, ...(policy === undefined ? {} : { policy }) };
    const decision = await this.iam.decideForService(roleArn, service, 'sqs:SendMessage', target);
    if (decision.allowed) {
      const sent = this.clock.now();
      queue.activity.push(sent);
      queue.messages.push({ ...message, messageId: this.ids.uuid('message'), sent, receivedAt: undefined });
      this.metrics.put(metricOf(queue, 'NumberOfMessagesSent'));
    }
    this.journal.write('sqs', name, decision.allowed ? `message from ${service}` : `message refused: ${decision.reason}`);
    return decision;
  }

  /** The messages in a queue now. @param queue its ARN, or its name if only one queue has this name */
  messages(queue: string): Message[] {
    return visible(this.find(queue), this.clock.now()).map(({ messageId, body, attributes, sent }) => ({
      messageId,
      body,
      attributes,
      sent,
    }));
  }

  /** Removes and returns all messages, like a consumer. */
  receiveAll(queue: string): Message[] {
    const messages = this.messages(queue);
    const stored = this.find(queue);
    const now = this.clock.now();
    visible(stored, now).forEach((message) => (message.receivedAt = now));
    stored.activity.push(now);
    return messages;
  }

  private find(queue: string): Queue {
    const matches = [...this.queues].filter(([arn, { name }]) => arn === queue || name === queue);
    return findOnly(matches, { kind: 'queue', name: queue, arns: this.queues.keys() })[1];
  }
}

/** The URL of a queue, which `Ref` returns. */
export const urlOf = ({ account, region }: Place, name: string): string =>
  `https://sqs.${region}.${urlSuffixOf(region)}/${account}/${name}`;

/** The messages that are in the queue at `time`. */
function visible({ messages, retentionSeconds }: Queue, time: number): StoredMessage[] {
  return messages.filter(
    ({ sent, receivedAt = Infinity }) => sent <= time && time < Math.min(receivedAt, sent + retentionSeconds * 1000),
  );
}

/** The value of `ApproximateNumberOfMessagesVisible`; undefined if SQS sends none. */
function visibleCount(queue: Queue, time: number): number | undefined {
  const count = visible(queue, time).length;
  const isActive = queue.activity.some((moment) => moment <= time && time - moment < INACTIVE_MS);
  return count > 0 || isActive ? count : undefined;
}

const metricOf = ({ place, name: QueueName }: Queue, name: string) => ({
  ...place,
  namespace: NAMESPACE,
  name,
  dimensions: { QueueName },
});
