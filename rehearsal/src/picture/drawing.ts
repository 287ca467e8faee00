import type { AuthorizationChange } from '../aws/gamelift/authorizations';
import { elapsed, span } from '../report';
import { LANES } from './events';
import type { PictureEvent } from './events';
import { escapeHtml } from './html';
import type { Group, Layout, NamedHistory } from './layout';
import type { Scale } from './scale';

/*
 * All positions are in percent of the life. Zooming only changes the width of the picture.
 */

/** The interval of the ticks in busy times. They are visible only when zoomed in. */
const TICK_MILLISECONDS = 10_000;

const CHANGES: Readonly<Record<AuthorizationChange['kind'], string>> = {
  authorized: 'Authorized',
  used: 'Authorization used',
  'used up': 'Authorization used up',
  canceled: 'Authorization canceled',
  missing: 'No valid authorization for a call',
};

/** A row of the table. It belongs to one mark or bar of the picture. */
interface Row {
  readonly id: string;
  readonly time: string;
  readonly group: string;
  readonly lane: string;
  readonly title: string;
  readonly text: string;
  readonly bad: boolean;
}

export interface Drawing {
  readonly picture: string;
  readonly rows: readonly (Row & { readonly from: number })[];
}

/** Draws a life. @param prefix the prefix of the ids of its events, unique on the page */
export function draw(layout: Layout, prefix: string): Drawing {
  const renderer = new Renderer(layout, prefix);
  const groups = layout.groups.map((group) => renderer.group(group)).join('');
  const rows = renderer.rows.toSorted((one, other) => one.from - other.from);
  return { picture: `<div class="plot">${renderer.axis()}${groups}</div>`, rows };
}

class Renderer {
  readonly rows: (Row & { readonly from: number })[] = [];
  private readonly scale: Scale;

  constructor(
    private readonly layout: Layout,
    private readonly prefix: string,
  ) {
    this.scale = layout.scale;
  }

  axis(): string {
    const { steps, start, end } = this.layout;
    const names = steps.map(({ name, from }, index) => {
      const to = steps[index + 1]?.from ?? end;
      return `<div class="step" style="${this.place(from, to)}"><span><b>${index + 1}</b> ${escapeHtml(name)}</span></div>`;
    });
    const { quiet, busy } = this.scale;
    const breaks = quiet.map(
      ({ from, to }) =>
        `<div class="length" style="${this.place(from, to)}"><span class="${span(to - from).length > 6 ? 'long' : 'short'}">${span(to - from)}</span></div>`,
    );
    const times = busy.map(({ from, to }, index) => {
      // the label may extend into the quiet time after it
      return `<div class="time" style="${this.place(from, quiet[index]?.to ?? to)}">${timeLabel(from - start)}</div>`;
    });
    const ticks = busy.flatMap(({ from, to }) => {
      const first = from + TICK_MILLISECONDS;
      return Array.from({ length: Math.max(0, Math.ceil((to - first) / TICK_MILLISECONDS)) }, (_, index) => {
        const time = first + index * TICK_MILLISECONDS;
        return `<div class="tick" style="${this.place(time, time + TICK_MILLISECONDS)}"><span>${
          elapsed(time - start)
            .split(' ')
            .at(-1) ?? ''
        }</span></div>`;
      });
    });
    return [
      `<div class="behind" aria-hidden="true">${quiet.map(({ from, to }) => `<div class="quiet" style="${this.place(from, to)}"></div>`).join('')}</div>`,
      track('steps', 'Steps', names.join(''), 'aria-hidden="true"'),
      track('times', 'Time', `${times.join('')}${ticks.join('')}`, 'aria-hidden="true"'),
      track('lengths', 'Quiet for', breaks.join(''), 'aria-hidden="true"'),
    ].join('');
  }

  group({ name, authorizations, lanes }: Group): string {
    const windows = authorizations.flatMap(({ windows: own }) =>
      own.map(({ from, to }) => `<div class="valid" style="${this.place(from, to)}"></div>`),
    );
    const rows = [
      ...authorizations.map((history) => this.authorization(name, history, authorizations.length)),
      ...lanes.map(({ lane, events }) =>
        track(
          lane,
          LANES[lane],
          events.map((event) => this.event(name, event)).join(''),
          `role="group" aria-label="${escapeHtml(`${LANES[lane]} of ${name}`)}"`,
        ),
      ),
    ];
    return `<div class="group" data-stack="${escapeHtml(name)}"><div class="behind" aria-hidden="true">${windows.join('')}</div><h3>${escapeHtml(name)}</h3>${rows.join('')}</div>`;
  }

  private authorization(group: string, { windows, changes, vpc }: NamedHistory, count: number): string {
    const bars = windows.map(({ from, to, endedBy }) => {
      const ending = { expiry: 'until it expires', cancellation: 'until it is canceled', use: 'until it is used up' }[endedBy];
      const title = `Authorization valid for ${span(to - from)}`;
      return this.mark(
        'bar authorized',
        { from, to, title, text: `${vpc}, ${ending}`, result: 'neutral' },
        group,
        'Authorization',
        title.slice(14),
      );
    });
    const marks = changes.map(({ time, kind }) =>
      this.mark(
        `mark ${kind.replace(' ', '-')}`,
        { from: time, to: time, title: CHANGES[kind], text: vpc, result: kind === 'missing' ? 'bad' : 'neutral' },
        group,
        'Authorization',
      ),
    );
    const label = count === 1 ? 'Authorization' : `Authorization ${vpc}`;
    return track(
      'authorizations',
      label,
      `${bars.join('')}${marks.join('')}`,
      `role="group" aria-label="${escapeHtml(`${label} of ${group}`)}"`,
    );
  }

  private event(group: string, event: PictureEvent): string {
    const long = event.to > event.from;
    const label = long && event.lane === 'stack' ? event.title : undefined;
    return this.mark(`${long ? 'bar' : 'mark'} ${event.result}`, event, group, LANES[event.lane], label);
  }

  /** A link to the row in the table. The row is also the label for screen readers. */
  private mark(
    classes: string,
    { from, to, title, text, result }: Pick<PictureEvent, 'from' | 'to' | 'title' | 'text' | 'result'>,
    group: string,
    lane: string,
    label?: string,
  ): string {
    const id = `${this.prefix}${this.rows.length + 1}`;
    const time = elapsed(from - this.layout.start);
    this.rows.push({ id, from, time, group, lane, title, text, bad: result === 'bad' });
    const inside = label === undefined ? '' : `<span aria-hidden="true">${escapeHtml(label)}</span>`;
    return `<a class="${classes}" href="#${id}" tabindex="-1" aria-labelledby="${id}" style="${this.place(from, to)}">${inside}</a>`;
  }

  private place(from: number, to: number): string {
    const [left, right] = [from, to].map((time) => this.scale.position(time) * 100);
    const width = (right ?? 0) - (left ?? 0);
    return `left:${roundedPercent(left ?? 0)}%${width === 0 ? '' : `;width:${roundedPercent(width)}%`}`;
  }
}

/** The day, and the time of day in small print. */
function timeLabel(milliseconds: number): string {
  const [, day = '', time = ''] = /^(day \d+) (.*)$/.exec(elapsed(milliseconds)) ?? [];
  return `<span>${day} <small>${time}</small></span>`;
}

function roundedPercent(percent: number): string {
  return String(Number(percent.toFixed(3)));
}

function track(name: string, label: string, content: string, attributes: string): string {
  return `<div class="lane ${name}"><span class="label" aria-hidden="true">${escapeHtml(label)}</span><div class="track" ${attributes}>${content}</div></div>`;
}
