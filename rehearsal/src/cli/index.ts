export { withFirstFailure } from './first-failure';
export { compare, detailsOf, differences, summaryOf } from './left-behind';
export type { Difference } from './left-behind';
export { runLife } from './life';
export { CONSOLE, requireWritable } from './output';
export type { Output } from './output';
export { readReadings, setReadings } from './readings-file';
export type { ChosenReading } from './readings-file';
export { rehearse } from './rehearse';
