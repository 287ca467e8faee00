import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rehearsalPage } from '../bin/rehearsal-page';

test('docs/rehearsal-output.md has what npm start and npm run rehearse print', async () => {
  const page = await rehearsalPage(mkdtempSync(join(tmpdir(), 'rehearsal-page-')));
  // if this fails: npm run docs:rehearsal
  expect(page).toBe(readFileSync(join(__dirname, '..', 'docs', 'rehearsal-output.md'), 'utf8'));
}, 300_000);
