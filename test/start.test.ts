import { start } from '../bin/start';

async function runCommand(...args: string[]) {
  const [output, errorOutput]: [string[], string[]] = [[], []];
  const code = await start(args, { print: (text) => output.push(text), printError: (text) => errorOutput.push(text) });
  return { code, output, errorOutput };
}

test('npm start prints the usage with --help, and builds nothing', async () => {
  const { code, output, errorOutput } = await runCommand('--help', '--verbose');
  expect({ code, errorOutput }).toEqual({ code: 0, errorOutput: [] });
  expect(output.join('\n').split('\n')).toEqual(
    expect.arrayContaining([
      'usage: npm start [-- options]',
      '  --readings FILE  the readings that npm run probe found in a real account',
      '  --html FILE      writes a picture of both lives to a web page',
      '  --verbose        prints each event as well',
      '  --help           prints this',
    ]),
  );
});

test.each([
  [['--fast'], /Unknown option '--fast'/],
  [['cdk.out'], /Unexpected argument 'cdk\.out'/],
  [['--verbose=yes'], /Option '--verbose' does not take an argument$/],
  [
    ['--html', 'nowhere/life.html'],
    /^--html must be a file that can be written, got 'nowhere\/life\.html': ENOENT: no such file/,
  ],
  [
    ['--readings', 'nowhere.json'],
    /^--readings must be a file that npm run probe has written, got nowhere\.json: .*ENOENT: no such file/,
  ],
])('npm start prints one error and exits with 2 if the arguments are %j', async (args, errorOutput) => {
  expect(await runCommand(...args)).toEqual({ code: 2, output: [], errorOutput: [expect.stringMatching(errorOutput)] });
});
