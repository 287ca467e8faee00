import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** The stack of a construct and, if that is a nested stack, its parents, from the innermost to the top-level stack. */
export function enclosingStacks(construct: IConstruct): Stack[] {
  const stacks: Stack[] = [];
  for (let stack: Stack | undefined = Stack.of(construct); stack !== undefined; stack = stack.nestedStackParent) {
    stacks.push(stack);
  }
  return stacks;
}

/** The top-level stack of a construct, which is deployed on its own. */
export function topLevelStackOf(construct: IConstruct): Stack {
  return enclosingStacks(construct).at(-1) ?? Stack.of(construct);
}
