import type { AuthorizationChange } from '../aws/gamelift/authorizations';
import { formatElapsed, formatDuration } from '../report';
import { LANES } from './events';
import type { PictureEvent } from './events';
import { escapeHtml } from './html';
import type { StackGroup, Layout, NamedAuthorizationHistory } from './layout';
import type { Scale } from './scale';

/*
 * All positions are in percent of the life's width. Zooming only changes the width of the picture.
 */

/** The interval of the ticks in busy times. The ticks are visible only when zoomed in. */
const TICK_MILLISECONDS = 10_000;

const CHANGE_TITLES: Readonly<Record<AuthorizationChange['kind'], string>> = {
  authorized: 'Authorized',
  used: 'Authorization used',
  consumed: 'Authorization consumed by a call',
  canceled: 'Authorization canceled',
  missing: 'No valid authorization for a call',
};

/** A row of the table of all events. It describes one mark or bar of the picture. */
interface TableRow {
  readonly id: string;
  readonly time: string;
  readonly group: string;
  readonly lane: string;
  readonly title: string;
  readonly text: string;
  readonly isBad: boolean;
}

export interface Drawing {
  /** The HTML of the picture. */
  readonly picture: string;
  readonly rows: readonly (TableRow & { readonly from: number })[];
}

/**
 * Draws a life.
 *
 * @param prefix starts the ids of this life's events; each life of a page needs another prefix
 */
export function drawLife(layout: Layout, prefix: string): Drawing {
  const renderer = new Renderer(layout, prefix);
  const groups = layout.groups.map((group) => renderer.drawGroup(group)).join('');
  const rows = renderer.rows.toSorted((one, other) => one.from - other.from);
  return { picture: `<div class="plot">${renderer.drawAxis()}${groups}</div>`, rows };
}

class Renderer {
  readonly rows: (TableRow & { readonly from: number })[] = [];
  private readonly scale: Scale;

  constructor(
    private readonly layout: Layout,
    private readonly prefix: string,
  ) {
    this.scale = layout.scale;
  }

  drawAxis(): string {
    const { steps, start, end } = this.layout;
    const stepNames = steps.map(({ name, from }, index) => {
      const to = steps[index + 1]?.from ?? end;
      return `<div class="step" style="${this.positionStyle(from, to)}"><span><b>${index + 1}</b> ${escapeHtml(name)}</span></div>`;
    });
    const { quietTimes, busyTimes } = this.scale;
    // the style sheet shows a long text only if the quiet time is wide enough for it
    const quietDurations = quietTimes.map(
      ({ from, to }) =>
        `<div class="length" style="${this.positionStyle(from, to)}"><span class="${formatDuration(to - from).length > 6 ? 'long' : 'short'}">${formatDuration(to - from)}</span></div>`,
    );
    const timeLabels = busyTimes.map(({ from, to }, index) => {
      // the label may extend into the quiet time that follows
      return `<div class="time" style="${this.positionStyle(from, quietTimes[index]?.to ?? to)}">${timeLabel(from - start)}</div>`;
    });
    const ticks = busyTimes.flatMap(({ from, to }) => {
      const first = from + TICK_MILLISECONDS;
      return Array.from({ length: Math.max(0, Math.ceil((to - first) / TICK_MILLISECONDS)) }, (_, index) => {
        const time = first + index * TICK_MILLISECONDS;
        return `<div class="tick" style="${this.positionStyle(time, time + TICK_MILLISECONDS)}"><span>${
          formatElapsed(time - start)
            .split(' ')
            .at(-1) ?? ''
        }</span></div>`;
      });
    });
    return [
      `<div class="behind" aria-hidden="true">${quietTimes.map(({ from, to }) => `<div class="quiet" style="${this.positionStyle(from, to)}"></div>`).join('')}</div>`,
      laneHtml('steps', 'Steps', stepNames.join(''), 'aria-hidden="true"'),
      laneHtml('times', 'Time', `${timeLabels.join('')}${ticks.join('')}`, 'aria-hidden="true"'),
      laneHtml('lengths', 'Quiet for', quietDurations.join(''), 'aria-hidden="true"'),
    ].join('');
  }

  drawGroup({ name, authorizations, lanes }: StackGroup): string {
    const windows = authorizations.flatMap((history) =>
      history.windows.map(({ from, to }) => `<div class="valid" style="${this.positionStyle(from, to)}"></div>`),
    );
    const rows = [
      ...authorizations.map((history) => this.drawAuthorization(name, history, authorizations.length)),
      ...lanes.map(({ lane, events }) =>
        laneHtml(
          lane,
          LANES[lane],
          events.map((event) => this.drawEvent(name, event)).join(''),
          `role="group" aria-label="${escapeHtml(`${LANES[lane]} of ${name}`)}"`,
        ),
      ),
    ];
    return `<div class="group" data-stack="${escapeHtml(name)}"><div class="behind" aria-hidden="true">${windows.join('')}</div><h3>${escapeHtml(name)}</h3>${rows.join('')}</div>`;
  }

  private drawAuthorization(
    group: string,
    { windows, changes, vpc }: NamedAuthorizationHistory,
    authorizationCount: number,
  ): string {
    const bars = windows.map(({ from, to, endedBy }) => {
      const ending = {
        expiry: 'until it expires',
        cancellation: 'until it is canceled',
        consumption: 'until a call consumes it',
      }[endedBy];
      const label = `valid for ${formatDuration(to - from)}`;
      return this.drawLink(
        'bar authorized',
        { from, to, title: `Authorization ${label}`, text: `${vpc}, ${ending}`, result: 'neutral' },
        group,
        'Authorization',
        label,
      );
    });
    const marks = changes.map(({ time, kind }) =>
      this.drawLink(
        `mark ${kind}`,
        { from: time, to: time, title: CHANGE_TITLES[kind], text: vpc, result: kind === 'missing' ? 'bad' : 'neutral' },
        group,
        'Authorization',
      ),
    );
    const label = authorizationCount === 1 ? 'Authorization' : `Authorization ${vpc}`;
    return laneHtml(
      'authorizations',
      label,
      `${bars.join('')}${marks.join('')}`,
      `role="group" aria-label="${escapeHtml(`${label} of ${group}`)}"`,
    );
  }

  private drawEvent(group: string, event: PictureEvent): string {
    const isBar = event.to > event.from;
    const label = isBar && event.lane === 'stack' ? event.title : undefined;
    return this.drawLink(`${isBar ? 'bar' : 'mark'} ${event.result}`, event, group, LANES[event.lane], label);
  }

  /** Draws an event as a link to its row in the table. The row is also the label for screen readers. */
  private drawLink(
    classes: string,
    { from, to, title, text, result }: Pick<PictureEvent, 'from' | 'to' | 'title' | 'text' | 'result'>,
    group: string,
    lane: string,
    label?: string,
  ): string {
    const id = `${this.prefix}${this.rows.length + 1}`;
    const time = formatElapsed(from - this.layout.start);
    this.rows.push({ id, from, time, group, lane, title, text, isBad: result === 'bad' });
    const labelHtml = label === undefined ? '' : `<span aria-hidden="true">${escapeHtml(label)}</span>`;
    return `<a class="${classes}" href="#${id}" tabindex="-1" aria-labelledby="${id}" style="${this.positionStyle(from, to)}">${labelHtml}</a>`;
  }

  private positionStyle(from: number, to: number): string {
    const [left, right] = [from, to].map((time) => this.scale.position(time) * 100);
    const width = (right ?? 0) - (left ?? 0);
    return `left:${roundedPercent(left ?? 0)}%${width === 0 ? '' : `;width:${roundedPercent(width)}%`}`;
  }
}

/** Formats the day in normal print, and the time of day in small print. */
function timeLabel(milliseconds: number): string {
  const [, day = '', time = ''] = /^(day \d+) (.*)$/.exec(formatElapsed(milliseconds)) ?? [];
  return `<span>${day} <small>${time}</small></span>`;
}

function roundedPercent(percent: number): string {
  return String(Number(percent.toFixed(3)));
}

function laneHtml(name: string, label: string, content: string, attributes: string): string {
  return `<div class="lane ${name}"><span class="label" aria-hidden="true">${escapeHtml(label)}</span><div class="track" ${attributes}>${content}</div></div>`;
}
