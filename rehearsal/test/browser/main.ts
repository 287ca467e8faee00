import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { NotAvailableError, report, runCheck } from '../../../bin/outcomes';
import type { Outcome } from '../../../bin/outcomes';
import useTemporaryDirectory from '../../../bin/temporary-directory';
import { pageOf } from '../../src/picture';
import { lifeWithFailedDeletion } from '../picture/life-builder';

/*
 * Opens a picture of two lives in Chromium, and uses it as a reader would. The environment variable `CHROMIUM` can name another browser
 * command.
 */

const { CHROMIUM } = process.env;
const COMMANDS = CHROMIUM === undefined ? ['chromium', 'chromium-browser', 'google-chrome'] : [CHROMIUM];
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 900 };
/** WCAG 2 requires this contrast for text of normal size (level AA). */
const MINIMUM_CONTRAST = 4.5;

interface OpenPage {
  readonly page: Page;
  /** Errors and network requests of the page. */
  readonly problems: readonly string[];
}

/** Uses the page, and throws if something is wrong. */
type Check = (opened: OpenPage) => Promise<void>;

async function scrollsSideways(page: Page): Promise<boolean> {
  return await page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}

/** The link target of the focused element, or its tag name if it is not a link. */
async function focusedElement(page: Page): Promise<string> {
  return await page.evaluate<string>('document.activeElement.getAttribute("href") ?? document.activeElement.tagName');
}

async function plotWidth(page: Page): Promise<number> {
  return (await page.locator('.plot').first().boundingBox())?.width ?? 0;
}

/** Presses keys one after the other. @returns the focused element after each key */
async function pressKeys(page: Page, ...keys: readonly string[]): Promise<string[]> {
  const focusedElements: string[] = [];
  for (const key of keys) {
    await page.keyboard.press(key);
    focusedElements.push(await focusedElement(page));
  }
  return focusedElements;
}

/** Focuses the last button in front of the first picture. The next Tab moves into the picture. */
async function focusWholeLifeButton(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Whole life' }).first().focus();
}

async function zoomIn(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Zoom in' }).first().click();
}

const CHECKS: Readonly<Record<string, Check>> = {
  'the page loads without errors and without network requests': async ({ page, problems }) => {
    await page.locator('.outcomes button').first().click();
    await page.locator('.mark').first().hover();
    assert.deepEqual(problems, []);
  },

  'the page never scrolls sideways on a phone, zoomed or not': async ({ page }) => {
    await page.setViewportSize(PHONE);
    assert.equal(await scrollsSideways(page), false);
    // zooms to the last step of the second life
    await page.locator('.outcomes button').last().click();
    // without a visible picture, the next assertion would prove nothing
    assert.ok((await plotWidth(page)) > 0);
    assert.equal(await scrollsSideways(page), false);
  },

  'the whole life fits into the width of a phone and of a desktop': async ({ page }) => {
    for (const size of [PHONE, DESKTOP]) {
      await page.setViewportSize(size);
      assert.ok((await plotWidth(page)) <= size.width);
    }
  },

  'the keyboard moves between events and lanes, and shows the text of the focused event': async ({ page }) => {
    await focusWholeLifeButton(page);
    const [afterTab, afterRight, afterLeft, afterDown, afterEnd] = await pressKeys(
      page,
      'Tab',
      'ArrowRight',
      'ArrowLeft',
      'ArrowDown',
      'End',
    );
    assert.match(afterTab ?? '', /^#a\d+$/);
    assert.notEqual(afterRight, afterTab);
    assert.equal(afterLeft, afterTab);
    assert.notEqual(afterDown, afterTab);
    assert.notEqual(afterEnd, afterDown);
    const row = await page.locator(`tr[id="${(afterEnd ?? '').slice(1)}"] td`).allTextContents();
    assert.equal(await page.locator('.event-text').first().textContent(), row.join(' · '));
  },

  'the focused element has a visible outline': async ({ page }) => {
    await focusWholeLifeButton(page);
    await pressKeys(page, 'Tab', 'ArrowDown');
    const outline = await page.evaluate<string>(
      '(({ outlineStyle, outlineWidth, clipPath }) => [outlineStyle, outlineWidth, clipPath].join())(getComputedStyle(document.activeElement))',
    );
    assert.equal(outline, 'solid,3px,none');
  },

  'the keyboard zooms, and Enter leads to the row in the table': async ({ page }) => {
    await focusWholeLifeButton(page);
    const widthBefore = await plotWidth(page);
    await pressKeys(page, 'Tab', 'ArrowRight', '+', '+');
    assert.ok((await plotWidth(page)) > 3 * widthBefore);
    await pressKeys(page, '-', '0');
    assert.equal(await plotWidth(page), widthBefore);
    const [event] = await pressKeys(page, 'ArrowLeft');
    await pressKeys(page, 'Enter');
    assert.equal(new URL(page.url()).hash, event);
  },

  'the picture scrolls to the focused event': async ({ page }) => {
    // zooms to the first step, so that the last event is out of sight
    await page.locator('.outcomes button').first().click();
    await page.locator('.stack a').first().focus();
    await pressKeys(page, 'End');
    const isVisible = await page.evaluate<boolean>(
      '(() => { const event = document.activeElement.getBoundingClientRect(); const view = document.querySelector(".scroller").getBoundingClientRect();' +
        'return event.right > view.left && event.left < view.right; })()',
    );
    assert.ok(isVisible);
  },

  'a click on a step zooms to it': async ({ page }) => {
    await page.locator('.outcomes').first().locator('button').last().click();
    const [bar, view] = [
      await page.locator('.stack .bad').first().boundingBox(),
      await page.locator('.scroller').first().boundingBox(),
    ];
    assert.ok(bar !== null && view !== null);
    assert.ok(bar.width > view.width / 2);
    assert.ok(bar.x >= view.x && bar.x + bar.width <= view.x + view.width);
  },

  'dark mode has different colors': async ({ page }) => {
    const colors = async (): Promise<string> =>
      await page.evaluate<string>(
        '(({ color, backgroundColor }) => `${color} on ${backgroundColor}`)(getComputedStyle(document.body))',
      );
    const light = await colors();
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.notEqual(await colors(), light);
  },

  'every text has enough contrast in light and dark mode': async ({ page }) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const size of [PHONE, DESKTOP]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(size);
        assert.deepEqual(await page.evaluate<string[]>(`textsOfLowContrast(${MINIMUM_CONTRAST})`), []);
      }
    }
  },

  'a screen reader gets a name for each event, and the tables as tables': async ({ page }) => {
    await page.setViewportSize(PHONE);
    // the page shows two lives: each has one failed deletion, and two tables
    const deletion = page.getByRole('link', { name: /^day 30 00:00:00 Stack Stack ✗ DELETE_FAILED/ });
    assert.equal(await deletion.count(), 2);
    assert.equal(await page.getByRole('table').count(), 4);
    assert.equal(await page.getByRole('row', { name: /2 delete Stack ✗.DELETE_FAILED/ }).count(), 2);
  },

  'print shows the whole life and the tables, without buttons': async ({ page }) => {
    await zoomIn(page);
    await page.emulateMedia({ media: 'print' });
    assert.ok((await plotWidth(page)) <= DESKTOP.width);
    assert.equal(await page.locator('.tools').first().isVisible(), false);
    assert.ok(await page.locator('.events').first().isVisible());
  },
};

async function open(browser: Browser, file: string): Promise<OpenPage> {
  const page = await browser.newPage({ viewport: DESKTOP, colorScheme: 'light' });
  const problems: string[] = [];
  page.on('console', (message) => problems.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== `file://${file}` && !request.url().startsWith('data:')) {
      problems.push(`request: ${request.url()}`);
    }
  });
  await page.addInitScript({ content: measurementScript() });
  await page.goto(`file://${file}`);
  return { page, problems };
}

function measurementScript(): string {
  const entryPoints = [join(__dirname, 'page', 'measure.ts')];
  const { outputFiles } = buildSync({ entryPoints, bundle: true, write: false, platform: 'browser', format: 'iife' });
  return outputFiles.map(({ text }) => text).join('');
}

/** Returns the path of the first installed command. */
function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return COMMANDS.flatMap((command) => folders.map((folder) => resolve(folder, command))).find((file) => existsSync(file));
}

async function main(): Promise<void> {
  const file = join(useTemporaryDirectory(), 'picture.html');
  writeFileSync(file, pageOf('Two lives', [lifeWithFailedDeletion('one'), lifeWithFailedDeletion('other')]));
  const executablePath = findBrowser();
  const browser = executablePath === undefined ? undefined : await chromium.launch({ executablePath });
  const outcomes: Outcome[] = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    outcomes.push(
      await runCheck(name, async () => {
        if (browser === undefined) {
          throw new NotAvailableError(`none of ${COMMANDS.join(', ')} is installed`);
        }
        const opened = await open(browser, file);
        await check(opened);
        await opened.page.close();
      }),
    );
  }
  await browser?.close();
  report('check', outcomes);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
