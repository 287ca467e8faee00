import { pageOf } from '../../src/picture';
import { lifeWithFailedDeletion, FLEET_ID, HOSTILE_TEXT, LifeBuilder } from './life-builder';

const page = pageOf(`A life ${HOSTILE_TEXT}`, [lifeWithFailedDeletion(`one ${HOSTILE_TEXT}`), lifeWithFailedDeletion('other')]);

test('the page escapes every text', () => {
  expect(page).not.toContain(HOSTILE_TEXT);
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page).not.toContain('<img');
  expect(page).toContain(
    '&lt;/script&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=&#39;x&#39; onerror=alert(2)&gt;&amp;amp;',
  );
});

test('each event of the picture has its own row in the table', () => {
  const ids = [...page.matchAll(/<tr id="([^"]+)"/g)].map(([, id]) => id);
  const links = [...page.matchAll(/<a class="[^"]*" href="#([^"]+)" tabindex="-1" aria-labelledby="\1"/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(20);
  expect(links.toSorted()).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(ids.length);
});

test('the page contains no generated ids, and loads no other files', () => {
  const foundTexts = [
    FLEET_ID,
    /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/,
    /https?:/,
    /<\w+ src=/,
    /@import/,
    /url\(/,
  ].map((forbidden) => page.match(forbidden)?.[0]);
  expect(foundTexts.filter((text) => text !== undefined)).toEqual([]);
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"`);
});

test('the windows of an authorization are drawn behind the lanes of its stack', () => {
  const [, group = ''] = /<div class="group" data-stack="Stack">(.*?)<\/h3>/.exec(page) ?? [];
  expect(group.match(/<div class="valid" style="left:[\d.]+%;width:[\d.]+%">/g)).toHaveLength(1);
});

test('the table marks a failure with a sign, not only with a color', () => {
  expect(page).toMatch(/<tr id="\w+" class="bad" role="row">(?:(?!<\/tr>).)*<b>✗ DeleteFleet: UnauthorizedException<\/b>/);
});

test('a life in which nothing happened has a page', () => {
  expect(pageOf('Nothing', [new LifeBuilder().build('nothing')])).toContain('<h2 id="life0">nothing</h2>');
});
