import { NotSimulated } from '../../not-understood';
import { DEFAULT_GROUP, type ScheduleConfiguration, type Scheduler } from '../../scheduler/scheduler';
import type { Properties } from '../template/template';
import { numberOrDefault, nestedProperties, requiredText, optionalText } from './properties';
import type { ResourceType } from './resource-type';

/** Scheduler's defaults: 185 retries within a day. */
const DEFAULT_RETRIES = 185;
const DEFAULT_EVENT_AGE_SECONDS = 86_400;

function configurationOf(properties: Properties): ScheduleConfiguration {
  const target = nestedProperties(properties, 'Target');
  const [retryPolicy, timeWindow] = [nestedProperties(target, 'RetryPolicy'), nestedProperties(properties, 'FlexibleTimeWindow')];
  const [startDate, endDate] = [optionalText(properties, 'StartDate'), optionalText(properties, 'EndDate')];
  const [input, deadLetterQueueArn] = [
    optionalText(target, 'Input'),
    optionalText(nestedProperties(target, 'DeadLetterConfig'), 'Arn'),
  ];
  const targetArn = requiredText(target, 'Arn');
  const timeZone = optionalText(properties, 'ScheduleExpressionTimezone') ?? 'UTC';
  if (targetArn.split(':')[2] !== 'lambda' || !/^(Etc\/)?(UTC|GMT)$/.test(timeZone)) {
    throw new NotSimulated(
      `only schedules of Lambda functions in UTC are simulated: got a schedule of ${targetArn} in ${timeZone}`,
    );
  }
  return {
    expression: requiredText(properties, 'ScheduleExpression'),
    enabled: optionalText(properties, 'State') !== 'DISABLED',
    windowMinutes: requiredText(timeWindow, 'Mode') === 'OFF' ? 0 : numberOrDefault(timeWindow, 'MaximumWindowInMinutes', 0),
    targetArn,
    roleArn: requiredText(target, 'RoleArn'),
    maximumRetryAttempts: numberOrDefault(retryPolicy, 'MaximumRetryAttempts', DEFAULT_RETRIES),
    maximumEventAgeSeconds: numberOrDefault(retryPolicy, 'MaximumEventAgeInSeconds', DEFAULT_EVENT_AGE_SECONDS),
    ...(startDate === undefined ? {} : { startDate: Date.parse(startDate) }),
    ...(endDate === undefined ? {} : { endDate: Date.parse(endDate) }),
    ...(input === undefined ? {} : { input }),
    ...(deadLetterQueueArn === undefined ? {} : { deadLetterQueueArn }),
  };
}

function scheduleType(scheduler: Scheduler): ResourceType {
  return {
    create: ({ stack, properties, generateName }) => {
      const name = optionalText(properties, 'Name') ?? generateName(64);
      const arn = scheduler.create(
        stack,
        optionalText(properties, 'GroupName') ?? DEFAULT_GROUP,
        name,
        configurationOf(properties),
      );
      return { physicalId: name, attributes: { Arn: arn } };
    },
    update: ({ stack, properties, physicalId, attributes }) => {
      scheduler.update(stack, optionalText(properties, 'GroupName') ?? DEFAULT_GROUP, physicalId, configurationOf(properties));
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
      const name = optionalText(properties, 'Name') ?? generateName(64);
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
