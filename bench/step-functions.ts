import type { Rehearsal } from 'rehearsal';
import { arnOf, JSON_ERRORS, ServiceError } from 'rehearsal/aws';
import type { WireResponse } from 'rehearsal/aws';

/** The state machine that `custom-resources.Provider` creates for an `isCompleteHandler`. It repeats one task until the task succeeds. */
interface StateMachine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, Task>>;
}

interface Task {
  readonly Resource: string;
  readonly Retry?: readonly { readonly IntervalSeconds: number; readonly MaxAttempts: number; readonly BackoffRate: number }[];
  readonly Catch?: readonly { readonly Next: string }[];
}

const STATE_MACHINE_TYPE = 'AWS::StepFunctions::StateMachine';

/** Step Functions' limit for the name of a state machine. */
const MAX_NAME_LENGTH = 80;

/** Adds Step Functions to a rehearsal, as far as the state machine of a Provider needs it. */
export function addStepFunctions({ aws, clock, cloudFormation, lambda }: Rehearsal): void {
  const stateMachines = new Map<string, StateMachine>();

  cloudFormation.types.register(STATE_MACHINE_TYPE, {
    create: ({ stack, properties, generateName }) => {
      const name = generateName(MAX_NAME_LENGTH);
      const arn = arnOf(stack, 'states', `stateMachine:${name}`);
      stateMachines.set(arn, JSON.parse(String(properties.DefinitionString)) as StateMachine);
      return { physicalId: arn, attributes: { Arn: arn, Name: name } };
    },
    update: ({ properties, physicalId, attributes }) => {
      stateMachines.set(physicalId, JSON.parse(String(properties.DefinitionString)) as StateMachine);
      return { physicalId, attributes };
    },
    delete: ({ physicalId }) => {
      stateMachines.delete(physicalId);
    },
  });

  /** Runs a task with its retries, and the next state if the task fails. */
  const runState = async (states: StateMachine['States'], name: string, input: unknown): Promise<void> => {
    const task = states[name];
    if (task === undefined) {
      throw new Error(`the state machine has no state ${name}`);
    }
    const [retry] = task.Retry ?? [];
    for (let attempt = 0; ; attempt += 1) {
      const { payload, functionError } = await lambda.invoke(task.Resource, input);
      if (functionError === undefined) {
        return;
      }
      if (retry === undefined || attempt >= retry.MaxAttempts) {
        const [catcher] = task.Catch ?? [];
        if (catcher !== undefined) {
          const { errorType } = payload as { readonly errorType?: string };
          await runState(states, catcher.Next, { Error: errorType, Cause: JSON.stringify(payload) });
        }
        return;
      }
      await clock.sleep(retry.IntervalSeconds * retry.BackoffRate ** attempt * 1000);
    }
  };

  aws.register('states', {
    source: 'states',
    errors: JSON_ERRORS,
    operationName: ({ headers }) => headers['x-amz-target']?.split('.')[1] ?? 'UnknownOperation',
    parseInput: ({ body }) => JSON.parse(body.toString()) as unknown,
    perform: async (call) => {
      const { operation, input } = call;
      const {
        stateMachineArn,
        name,
        input: stateInput,
      } = input as Readonly<Record<'stateMachineArn' | 'name' | 'input', string>>;
      await call.authorize('states:StartExecution', [stateMachineArn]);
      const stateMachine = stateMachines.get(stateMachineArn);
      if (operation !== 'StartExecution' || stateMachine === undefined) {
        throw new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${stateMachineArn}'`);
      }
      // StartExecution returns at once, while the execution continues
      clock.runDetached(() => void clock.work(() => runState(stateMachine.States, stateMachine.StartAt, JSON.parse(stateInput))));
      const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
      return jsonResponse(200, { executionArn, startDate: clock.now() / 1000 });
    },
    errorResponse: ({ code, message, status }) => jsonResponse(status, { __type: code, message }),
  });
}

function jsonResponse(status: number, body: object): WireResponse {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: JSON.stringify(body) };
}
