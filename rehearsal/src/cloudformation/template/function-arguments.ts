import { isObject, subParts, substitutions } from './template';

/** The valid arguments of an intrinsic function, and CloudFormation's message for an invalid argument. */
interface ArgumentRequirement {
  readonly accepts: (argument: unknown) => boolean;
  readonly message: string;
}

/** Whether an argument is a list with `minimum` to `maximum` items. */
const isListOf = (argument: unknown, minimum: number, maximum = minimum): argument is readonly unknown[] =>
  Array.isArray(argument) && argument.length >= minimum && argument.length <= maximum;

const everyObjectRequires = (name: string, requirement: string) => `Template error: every ${name} object requires ${requirement}`;

const BOOLEAN_LIST = 'a list of at least 2 and at most 10 boolean parameters.';

const REQUIREMENTS: Readonly<Record<string, ArgumentRequirement>> = {
  'Fn::Join': {
    accepts: (argument) =>
      isListOf(argument, 2) && typeof argument[0] === 'string' && (Array.isArray(argument[1]) || isObject(argument[1])),
    message: everyObjectRequires(
      'Fn::Join',
      'two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.',
    ),
  },
  'Fn::Split': {
    accepts: (argument) => isListOf(argument, 2) && typeof argument[0] === 'string',
    message: everyObjectRequires(
      'Fn::Split',
      'two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.',
    ),
  },
  'Fn::Select': {
    accepts: (argument) => isListOf(argument, 2),
    message: 'Template error: Fn::Select requires a list argument with two elements: an integer index and a list',
  },
  'Fn::FindInMap': {
    accepts: (argument) => isListOf(argument, 3),
    message: everyObjectRequires('Fn::FindInMap', 'three parameters, the map name, map key and the attribute for return value'),
  },
  'Fn::Cidr': {
    accepts: (argument) => isListOf(argument, 2, 3),
    message: everyObjectRequires('Fn::Cidr', 'two or three parameters, the CIDR block, the count and the number of host bits'),
  },
  'Fn::Sub': {
    accepts: (argument) =>
      typeof argument === 'string' || (isListOf(argument, 2) && typeof argument[0] === 'string' && isObject(argument[1])),
    message:
      "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string",
  },
  'Fn::Equals': {
    accepts: (argument) => isListOf(argument, 2),
    message: everyObjectRequires('Fn::Equals', 'a list of 2 string parameters.'),
  },
  'Fn::Not': { accepts: (argument) => isListOf(argument, 1), message: everyObjectRequires('Fn::Not', 'one boolean parameter.') },
  'Fn::And': { accepts: (argument) => isListOf(argument, 2, 10), message: everyObjectRequires('Fn::And', BOOLEAN_LIST) },
  'Fn::Or': { accepts: (argument) => isListOf(argument, 2, 10), message: everyObjectRequires('Fn::Or', BOOLEAN_LIST) },
};

/** Throws if `key` is the name of an intrinsic function and its argument is invalid. */
export function requireValidArgument(key: string, object: Readonly<Record<string, unknown>>): void {
  const argument = object[key];
  if (key === 'Ref' && (typeof argument !== 'string' || Object.keys(object).length > 1)) {
    throw new Error('Template format error: Every Ref object must have a single String value.');
  }
  const requirement = Object.hasOwn(REQUIREMENTS, key) ? REQUIREMENTS[key] : undefined;
  if (requirement?.accepts(argument) === false) {
    throw new Error(requirement.message);
  }
  if (key === 'Fn::Sub' && !substitutions(subParts(argument)[0]).every((name) => /^[\w.:]+$/.test(name))) {
    const rule = 'must contain only alphanumeric characters, underscores, periods, and colons';
    throw new Error(`Template error: variable names in Fn::Sub syntax ${rule}`);
  }
}
