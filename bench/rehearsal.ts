import { cpuSecondsOfCommand, MACHINE } from './processes';
import type { Measurement } from './result';
import { medianOf } from './statistics';

const SCRIPT = 'node --import tsx';
const BUILD = 'npm run --silent build';
const COMMANDS = [
  { name: '`npm run build`', command: BUILD },
  { name: 'the life of a stack with one connection, thirty days', command: `${SCRIPT} bench/children/life.ts one` },
  { name: 'the life of a stack with 50 connections', command: `${SCRIPT} bench/children/life.ts fifty` },
  { name: '`npm start`, without its build', command: `${SCRIPT} bench/children/start.ts` },
];
/** Few, because each round takes minutes. */
const ROUNDS = 3;

export const REHEARSAL: Measurement = {
  name: 'rehearsal',
  measure: async () => {
    const measured = new Map<string, number[]>(COMMANDS.map(({ command }) => [command, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { command } of COMMANDS) {
        measured.get(command)?.push(await cpuSecondsOfCommand(command));
      }
    }
    /** The ratios of a command to the build. */
    const ratiosOf = (command: string): number[] =>
      (measured.get(command) ?? []).map((seconds, round) => seconds / (measured.get(BUILD)?.[round] ?? NaN));
    return {
      title: 'The rehearsal',
      method:
        `Processor seconds of a command with all of its processes. Medians of ${ROUNDS} rounds, with the least and the most, as ratios to the ` +
        `build of the same round. ${MACHINE}`,
      tables: [
        {
          head: ['command', 'processor seconds', 'of the build'],
          rows: COMMANDS.map(({ name, command }) => {
            const [least, most] = [Math.min(...ratiosOf(command)), Math.max(...ratiosOf(command))];
            return [
              name,
              medianOf(measured.get(command) ?? []).toFixed(1),
              `${medianOf(ratiosOf(command)).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`,
            ];
          }),
        },
      ],
      targets: [],
    };
  },
};
