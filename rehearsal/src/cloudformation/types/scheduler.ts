import { NotSimulated } from '../../not-understood';
import { DEFAULT_GROUP, type ScheduleConfiguration, type Scheduler } from '../../scheduler/scheduler';
import type { Properties } from '../template/template';
import { number, object, required, text } from './properties';
import type { ResourceType } from './resource-type';

/** Scheduler's default: 185 retries within a day. */
const RETRIES = 185;
const EVENT_AGE_SECONDS = 86_400;

function configurationOf(properties: Properties): ScheduleConfiguration {
  const target = object(properties, 'Target');
  const [retry, window] = [object(target, 'RetryPolicy'), object(properties, 'FlexibleTimeWindow')];
  const [startDate, endDate] = [text(properties, 'StartDate'), text(properties, 'EndDate')];
  const [input, deadLetterQueueArn] = [text(target, 'Input'), text(object(target, 'DeadLetterConfig'), 'Arn')];
  const targetArn = required(target, 'Arn');
  const timeZone = text(properties, 'ScheduleExpressionTimezone') ?? 'UTC';
  if (targetArn.split(':')[2] !== 'lambda' || !/^(Etc\/)?(UTC|GMT)$/.test(timeZone)) {
    throw new NotSimulated(`a schedule of ${targetArn} in ${timeZone} is not simulated: only functions in UTC are`);
  }
  return {
    expression: required(properties, 'ScheduleExpression'),
    enabled: text(properties, 'State') !== 'DISABLED',
    windowMinutes: required(window, 'Mode') === 'OFF' ? 0 : number(window, 'MaximumWindowInMinutes', 0),
    targetArn,
    roleArn: required(target, 'RoleArn'),
    maximumRetryAttempts: number(retry, 'MaximumRetryAttempts', RETRIES),
    maximumEventAgeSeconds: number(retry, 'MaximumEventAgeInSeconds', EVENT_AGE_SECONDS),
    ...(startDate === undefined ? {} : { startDate: Date.parse(startDate) }),
    ...(endDate === undefined ? {} : { endDate: Date.parse(endDate) }),
    ...(input === undefined ? {} : { input }),
    ...(deadLetterQueueArn === undefined ? {} : { deadLetterQueueArn }),
  };
}

function scheduleType(scheduler: Scheduler): ResourceType {
  return {
    create: ({ stack, properties, generateName }) => {
      const name = text(properties, 'Name') ?? generateName(64);
      const arn = scheduler.create(stack, text(properties, 'GroupName') ?? DEFAULT_GROUP, name, configurationOf(properties));
      return { physicalId: name, attributes: { Arn: arn } };
    },
    update: ({ stack, properties, physicalId, attributes }) => {
      scheduler.update(stack, text(properties, 'GroupName') ?? DEFAULT_GROUP, physicalId, configurationOf(properties));
      return { physicalId, attributes };
    },
    delete: ({ attributes }) => {
      scheduler.delete(String(attributes.Arn));
    },
  };
}

/** Deleting a group deletes its schedules. */
function groupType(scheduler: Scheduler): ResourceType {
  return {
    create: ({ stack, properties, generateName }) => {
      const name = text(properties, 'Name') ?? generateName(64);
      return { physicalId: name, attributes: { Arn: scheduler.createGroup(stack, name), State: 'ACTIVE' } };
    },
    update: ({ physicalId, attributes }) => ({ physicalId, attributes }),
    delete: ({ stack, physicalId }) => {
      scheduler.deleteGroup(stack, physicalId);
    },
  };
}

export const schedulerTypes = (scheduler: Scheduler): Readonly<Record<string, ResourceType>> => ({
  'AWS::Scheduler::Schedule': scheduleType(scheduler),
  'AWS::Scheduler::ScheduleGroup': groupType(scheduler),
});
