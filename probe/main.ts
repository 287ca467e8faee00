import { accessSync, constants, existsSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { createClients } from './clients';
import { SYSTEM_CLOCK } from './clock';
import { USAGE, parseCommand } from './command-line';
import type { Command } from './command-line';
import { Interrupted, messageOf } from './errors';
import { policyFor } from './policy';
import { probe } from './probe';
import { reportJson, reportTable } from './report';

/*
 * npm run probe: finds out in a real account what AWS's documents leave open. See docs/probe.md.
 */

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2));
  switch (command.kind) {
    case 'help':
      console.log(USAGE);
      return 0;
    case 'invalid':
      console.error(command.message);
      return 2;
    case 'policy':
      // without a configured Region, the policy allows all Regions
      console.log(
        JSON.stringify(policyFor({ ...command, region: await configuredRegion().catch(() => undefined) }), undefined, 2),
      );
      return 0;
    case 'probe':
      return await runProbe(command);
  }
}

async function configuredRegion(): Promise<string> {
  return await createClients().gameLift.config.region();
}

async function runProbe({ fleetId, vpcId, isConfirmed, reportFile }: Extract<Command, { kind: 'probe' }>): Promise<number> {
  if (!isConfirmed && !process.stdin.isTTY) {
    console.error('The probe asks before it begins, but stdin is not a terminal: add --yes to begin without asking.');
    return 2;
  }
  // check before the run: if the file could not be written after the run, the results would be lost
  if (!isWritable(reportFile)) {
    console.error(`--json must be a file in a directory that can be written to, got '${reportFile}'`);
    return 2;
  }

  const stop = new AbortController();
  stopOnSignals(stop);
  const options = { clients: createClients(), clock: SYSTEM_CLOCK, region: await configuredRegion(), fleetId, vpcId, stop };
  const confirm = isConfirmed ? () => Promise.resolve(true) : () => askToBegin(stop.signal);
  const outcome = await probe({ ...options, confirm, print: console.log });
  if (outcome.findings.length > 0) {
    console.log(`\n${reportTable(outcome.findings)}\n`);
    writeFileSync(reportFile, reportJson(outcome.findings, { region: options.region, date: new Date() }));
    console.log(`As JSON, for npm run rehearse -- --readings: ${resolve(reportFile)}`);
  }
  if (outcome.kind === 'stopped') {
    console.error(outcome.error);
    return 1;
  }
  return 0;
}

function isWritable(file: string): boolean {
  try {
    accessSync(existsSync(file) ? file : dirname(resolve(file)), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function askToBegin(signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // readline handles Ctrl+C at the prompt itself, so the process gets no signal
  terminal.on('SIGINT', () => process.emit('SIGINT'));
  try {
    // Ctrl+D closes the prompt, and `question` never resolves
    const closed = new Promise<string>((resolve) => {
      terminal.once('close', () => {
        resolve('');
      });
    });
    const answer = await Promise.race([terminal.question('Begin? (yes/no) ', { signal }), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    // say which signal stopped the probe, instead of the prompt's AbortError
    signal.throwIfAborted();
    throw error;
  } finally {
    terminal.close();
  }
}

function stopOnSignals(stop: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) {
        console.error('Still undoing the changes. Please wait.');
      } else {
        console.error(`Stopping because of ${signal}, and undoing the changes. This can take minutes.`);
        stop.abort(new Interrupted(signal));
      }
    });
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(messageOf(error));
    process.exitCode = 1;
  },
);
