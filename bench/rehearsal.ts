import { cpuSecondsOfCommand, MACHINE_SENTENCE } from './processes';
import type { Measurement } from './result';
import { medianOf } from './statistics';

const RUN_SCRIPT = 'node --import tsx';
const BUILD = 'npm run --silent build';
const COMMANDS = [
  { name: '`npm run build`', command: BUILD },
  { name: 'the life of a stack with one connection, thirty days', command: `${RUN_SCRIPT} bench/children/life.ts one` },
  { name: 'the life of a stack with 50 connections', command: `${RUN_SCRIPT} bench/children/life.ts fifty` },
  { name: '`npm start`, without its build', command: `${RUN_SCRIPT} bench/children/start.ts` },
];
/** Few, because each round takes minutes. */
const ROUNDS = 3;

export const REHEARSAL: Measurement = {
  name: 'rehearsal',
  measure: async () => {
    const secondsOfCommands = new Map<string, number[]>(COMMANDS.map(({ command }) => [command, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { command } of COMMANDS) {
        secondsOfCommands.get(command)?.push(await cpuSecondsOfCommand(command));
      }
    }
    /** The ratios of a command's processor seconds to those of the build, one for each round. */
    const ratiosOf = (command: string): number[] =>
      (secondsOfCommands.get(command) ?? []).map((seconds, round) => seconds / (secondsOfCommands.get(BUILD)?.[round] ?? NaN));
    return {
      title: 'The rehearsal',
      method:
        `Processor seconds of a command with all of its processes. Medians of ${ROUNDS} rounds, with the least and the most, as ratios to the ` +
        `build of the same round. ${MACHINE_SENTENCE}`,
      tables: [
        {
          head: ['command', 'processor seconds', 'of the build'],
          rows: COMMANDS.map(({ name, command }) => {
            const [least, most] = [Math.min(...ratiosOf(command)), Math.max(...ratiosOf(command))];
            return [
              name,
              medianOf(secondsOfCommands.get(command) ?? []).toFixed(1),
              `${medianOf(ratiosOf(command)).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`,
            ];
          }),
        },
      ],
      targets: [],
    };
  },
};
