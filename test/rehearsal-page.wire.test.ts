import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rehearsalPage } from '../bin/rehearsal-page';

test('docs/rehearsal-output.md shows the output of npm start and npm run rehearse', async () => {
  const page = await rehearsalPage(mkdtempSync(join(tmpdir(), 'rehearsal-page-')));
  // if this fails, run npm run docs:rehearsal
  expect(page).toBe(readFileSync(join(__dirname, '..', 'docs', 'rehearsal-output.md'), 'utf8'));
}, 300_000);
