import { start } from '../bin/start';

async function command(...args: string[]) {
  const [printed, complained]: [string[], string[]] = [[], []];
  const code = await start(args, { print: (text) => printed.push(text), printError: (text) => complained.push(text) });
  return { code, printed, complained };
}

test('--help: prints the usage, and builds nothing', async () => {
  const { code, printed, complained } = await command('--help', '--verbose');
  expect({ code, complained }).toEqual({ code: 0, complained: [] });
  expect(printed.join('\n').split('\n')).toEqual(
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
])('%j: one error, nothing printed, exit code 2', async (args, complained) => {
  expect(await command(...args)).toEqual({ code: 2, printed: [], complained: [expect.stringMatching(complained)] });
});
