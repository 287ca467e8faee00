export { withFirstFailure } from './first-failure';
export { compareInventories, differenceLine, differenceLines, summaryLines } from './left-behind';
export type { Difference } from './left-behind';
export { runLife } from './life';
export { CONSOLE, requireWritable } from './output';
export type { Output } from './output';
export { readReadings, setReadings } from './readings-file';
export type { ChosenReading } from './readings-file';
export { rehearse } from './rehearse';
