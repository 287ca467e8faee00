import { findOnly } from '../find-only';
import type { Journal } from '../../journal';
import type { Clock } from '../../time/clock';
import type { Metrics } from '../cloudwatch/metrics';
import type { Decision, Iam } from '../iam/iam';
import { Ids } from '../ids';
import { arnOf, urlSuffixOf } from '../partitions';
import type { AccountAndRegion } from '../service';

export interface Message {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Rehearsed time, in milliseconds since the epoch. */
  readonly sentAt: number;
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
  readonly place: AccountAndRegion;
  readonly name: string;
  retentionSeconds: number;
  policy: object | undefined;
  readonly messages: StoredMessage[];
  /** The times at which messages were sent or received. */
  readonly activityTimes: number[];
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
  create(place: AccountAndRegion, name: string, retentionSeconds: number): string {
    const arn = arnOf(place, 'sqs', name);
    if (this.queues.has(arn)) {
      throw new Error(`Resource of type 'AWS::SQS::Queue' with identifier '${urlOf(place, name)}' already exists.`);
    }
    const queue: Queue = { place, name, retentionSeconds, policy: undefined, messages: [], activityTimes: [this.clock.now()] };
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

  list(): (AccountAndRegion & { readonly name: string; readonly retentionSeconds: number; readonly policy?: object })[] {
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
      const sentAt = this.clock.now();
      queue.activityTimes.push(sentAt);
      queue.messages.push({ ...message, messageId: this.ids.uuid('message'), sentAt, receivedAt: undefined });
      this.metrics.put(metricOf(queue, 'NumberOfMessagesSent'));
    }
    this.journal.write('sqs', name, decision.allowed ? `message from ${service}` : `message refused: ${decision.reason}`);
    return decision;
  }

  /** The messages in a queue now. @param arnOrName the ARN, or the name if only one queue has this name */
  messages(arnOrName: string): Message[] {
    return messagesInQueue(this.find(arnOrName), this.clock.now()).map(({ messageId, body, attributes, sentAt }) => ({
      messageId,
      body,
      attributes,
      sentAt,
    }));
  }

  /** Removes and returns all messages, like a consumer. */
  receiveAll(arnOrName: string): Message[] {
    const messages = this.messages(arnOrName);
    const queue = this.find(arnOrName);
    const now = this.clock.now();
    messagesInQueue(queue, now).forEach((message) => (message.receivedAt = now));
    queue.activityTimes.push(now);
    return messages;
  }

  private find(arnOrName: string): Queue {
    const matches = [...this.queues].filter(([arn, { name }]) => arn === arnOrName || name === arnOrName);
    return findOnly(matches, { kind: 'queue', name: arnOrName, arns: this.queues.keys() })[1];
  }
}

/** The URL of a queue, which `Ref` returns. */
export const urlOf = ({ account, region }: AccountAndRegion, name: string): string =>
  `https://sqs.${region}.${urlSuffixOf(region)}/${account}/${name}`;

/** The messages that are in the queue at `time`. */
function messagesInQueue({ messages, retentionSeconds }: Queue, time: number): StoredMessage[] {
  return messages.filter(
    ({ sentAt, receivedAt = Infinity }) => sentAt <= time && time < Math.min(receivedAt, sentAt + retentionSeconds * 1000),
  );
}

/** The value of `ApproximateNumberOfMessagesVisible` at `time`; undefined if SQS sends no value. */
function visibleCount(queue: Queue, time: number): number | undefined {
  const count = messagesInQueue(queue, time).length;
  const isActive = queue.activityTimes.some((moment) => moment <= time && time - moment < INACTIVE_MS);
  return count > 0 || isActive ? count : undefined;
}

const metricOf = ({ place, name: QueueName }: Queue, name: string) => ({
  ...place,
  namespace: NAMESPACE,
  name,
  dimensions: { QueueName },
});
