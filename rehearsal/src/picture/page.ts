import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { formatDuration } from '../report';
import { drawLife } from './drawing';
import type { Drawing } from './drawing';
import { escapeHtml } from './html';
import { layoutOf } from './layout';
import type { Layout, StepResult } from './layout';
import type { PicturedLife } from './life';

/** A self-contained web page that shows lives as pictures and tables. */
export function pageOf(title: string, lives: readonly PicturedLife[]): string {
  const drawnLives = lives.map((life, index) => {
    const layout = layoutOf(life);
    // the ids of the events: a1, a2, … in the first life, b1, b2, … in the second
    return { layout, drawing: drawLife(layout, 'abcdefghijklmnopqrstuvwxyz'[index] ?? `life${index}-`) };
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${readFileSync(join(__dirname, 'style.css'), 'utf8')}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<p>Everything that happened in the simulated AWS accounts. All times are simulated, and count from the beginning of the life.</p>
${LEGEND}
</header>
<main>
${drawnLives.map(({ layout, drawing }, index) => lifeSection(layout, drawing, index)).join('\n')}
${drawnLives.map(({ layout, drawing }, index) => eventsSection(layout, drawing, index)).join('\n')}
</main>
<script>${bundledScript()}</script>
</body>
</html>
`;
}

const LEGEND = `<ul class="legend">
<li><i class="valid"></i>the authorization is valid (▲ authorized, ● used)</li>
<li><i class="mark missing"></i>refused, failed or throttled</li>
<li><i class="bar good"></i>the stack is complete</li>
<li><i class="bar bad"></i>the stack failed</li>
<li><i class="quiet"></i>quiet time, drawn shorter than it is, with its duration above</li>
</ul>`;

function lifeSection(layout: Layout, { picture }: Drawing, index: number): string {
  const title = escapeHtml(layout.title);
  return `<section class="life" aria-labelledby="life${index}">
<h2 id="life${index}">${title}</h2>
<div class="picture" role="group" aria-label="Picture: ${title}">
<div class="tools">
<button type="button" data-zoom="0.5" aria-label="Zoom out">−</button><button type="button" data-zoom="2" aria-label="Zoom in">+</button><button type="button" data-zoom="0">Whole life</button>
<span class="keys">Keys in the picture: ← → next event, ↑ ↓ next lane, + − zoom, 0 whole life, Enter jumps to the row in the table</span>
</div>
<div class="scroller">${picture}</div>
<p class="event-text">Point at an event, or move to it with the arrow keys.</p>
</div>
${tableHtml(
  'outcomes',
  '<caption>The result of each stack. Select a step to zoom to it.</caption>',
  ['Step', 'Stack', 'Result', 'Authorization for the VPC'],
  layout.results.map((result) => resultRow(layout, result)),
)}
</section>`;
}

function resultRow({ steps, scale }: Layout, { stepIndex, operation, authorization }: StepResult): string {
  const name = escapeHtml(stepIndex === undefined ? 'before the first step' : `${stepIndex + 1} ${steps[stepIndex]?.name ?? ''}`);
  if (operation === undefined) {
    return rowHtml('', [name, '', 'CloudFormation did nothing', '']);
  }
  const { stack, status, from, to, isComplete, reason } = operation;
  const [start, end] = [from, to].map((time) => scale.position(time).toFixed(5));
  const reasonHtml = reason === undefined ? '' : `<br><small>${escapeHtml(reason)}</small>`;
  return rowHtml(isComplete ? 'good' : 'bad', [
    `<button type="button" data-from="${start}" data-to="${end}" data-stack="${escapeHtml(stack)}">${name}</button>`,
    escapeHtml(stack),
    `<b>${isComplete ? '✓' : '✗'}&nbsp;${escapeHtml(status)}</b> in ${formatDuration(to - from)}${reasonHtml}`,
    escapeHtml(authorization),
  ]);
}

function eventsSection({ title }: Layout, { rows }: Drawing, index: number): string {
  const body = rows.map(({ id, time, group, lane, title: eventTitle, text, isBad }) =>
    rowHtml(
      isBad ? 'bad' : '',
      [
        time,
        `${escapeHtml(group)} <i>${escapeHtml(lane)}</i>`,
        `<b>${isBad ? '✗ ' : ''}${escapeHtml(eventTitle)}</b> ${escapeHtml(text)}`,
      ],
      id,
    ),
  );
  return `<section aria-labelledby="table${index}">
<h2 id="table${index}">All events: ${escapeHtml(title)}</h2>
${tableHtml('events', '', ['Time', 'Stack and lane', 'What happened'], body)}
</section>`;
}

/** On phones, CSS does not lay out the cells as a table. Explicit roles and spaces between the cells keep the text readable. */
function tableHtml(className: string, caption: string, headings: readonly string[], rows: readonly string[]): string {
  const cells = headings.map((text) => `<th role="columnheader" scope="col">${text}</th>`).join('');
  return `<table class="${className}" role="table">${caption}
<thead role="rowgroup"><tr role="row">${cells}</tr></thead>
<tbody role="rowgroup">
${rows.join('\n')}
</tbody>
</table>`;
}

function rowHtml(className: string, cells: readonly string[], id?: string): string {
  const attributes = `${id === undefined ? '' : ` id="${id}"`}${className === '' ? '' : ` class="${className}"`}`;
  return `<tr${attributes} role="row">${cells.map((cell) => `<td role="cell">${cell}</td>`).join(' ')}</tr>`;
}

/** Bundles the script of the page. */
function bundledScript(): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, 'browser', 'script.ts')],
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
  });
  // a literal </script in the code would end the script element
  return outputFiles.map(({ text }) => text.replaceAll('</script', String.raw`<\/script`)).join('');
}
