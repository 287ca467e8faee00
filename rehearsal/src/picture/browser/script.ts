/* Runs in the page: zooms, moves between events, and shows the text of an event. The page is readable without it. */

const LARGEST_ZOOM = 400;
/** The share of the width that a step fills after zooming to it. */
const STEP_SHARE = 0.9;

for (const picture of document.querySelectorAll<HTMLElement>('.picture')) {
  makeInteractive(picture, picture.parentElement ?? picture);
}

function makeInteractive(picture: HTMLElement, life: HTMLElement): void {
  const scroller = requireElement(picture, '.scroller');
  const description = requireElement(picture, '.shown');
  const lanes = [...picture.querySelectorAll<HTMLElement>('.lane')]
    .map((lane) => [...lane.querySelectorAll<HTMLAnchorElement>('a')].sort((one, other) => leftOf(one) - leftOf(other)))
    .filter((events) => events.length > 0);
  let zoom = 1;
  let current = lanes[0]?.[0];
  current?.setAttribute('tabindex', '0');

  const gutterWidth = (): number => parseFloat(getComputedStyle(picture).getPropertyValue('--gutter')) || 0;

  /** Zooms, and scrolls so that `center`, from 0 to 1, is in the middle. */
  const zoomTo = (value: number, center: number): void => {
    zoom = Math.min(LARGEST_ZOOM, Math.max(1, value));
    picture.style.setProperty('--zoom', String(zoom));
    const visible = scroller.clientWidth - gutterWidth();
    scroller.scrollLeft = center * visible * zoom - visible / 2;
  };
  const center = (): number => {
    const visible = scroller.clientWidth - gutterWidth();
    return (scroller.scrollLeft + visible / 2) / (visible * zoom);
  };
  const zoomBy = (factor: number, around = center()): void => {
    zoomTo(factor === 0 ? 1 : zoom * factor, around);
  };

  const show = (event: HTMLAnchorElement): void => {
    const row = document.getElementById(event.hash.slice(1));
    description.textContent = [...(row?.children ?? [])].map((cell) => cell.textContent).join(' · ');
  };
  const moveTo = (event: HTMLAnchorElement | undefined): void => {
    if (event !== undefined) {
      current?.setAttribute('tabindex', '-1');
      event.setAttribute('tabindex', '0');
      current = event;
      event.focus({ preventScroll: true });
      event.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
  };
  const nearestTo = (events: readonly HTMLAnchorElement[] | undefined, left: number): HTMLAnchorElement | undefined =>
    events?.toSorted((one, other) => Math.abs(leftOf(one) - left) - Math.abs(leftOf(other) - left))[0];

  picture.addEventListener('keydown', (keyEvent) => {
    if (keyEvent.ctrlKey || keyEvent.metaKey || keyEvent.altKey) {
      return;
    }
    const lane = lanes.findIndex((events) => current !== undefined && events.includes(current));
    const events = lanes[lane] ?? [];
    const index = current === undefined ? -1 : events.indexOf(current);
    const left = current === undefined ? 0 : leftOf(current);
    const inPicture = keyEvent.target instanceof HTMLAnchorElement;
    const moves: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => {
        moveTo(events[index - 1]);
      },
      ArrowRight: () => {
        moveTo(events[index + 1]);
      },
      ArrowUp: () => {
        moveTo(nearestTo(lanes[lane - 1], left));
      },
      ArrowDown: () => {
        moveTo(nearestTo(lanes[lane + 1], left));
      },
      Home: () => {
        moveTo(events[0]);
      },
      End: () => {
        moveTo(events.at(-1));
      },
    };
    const zooms: Readonly<Record<string, () => void>> = {
      '+': () => {
        zoomBy(2, inPicture ? left / 100 : center());
      },
      '=': () => {
        zoomBy(2, inPicture ? left / 100 : center());
      },
      '-': () => {
        zoomBy(0.5, inPicture ? left / 100 : center());
      },
      '0': () => {
        zoomBy(0);
      },
    };
    const action = (inPicture ? moves[keyEvent.key] : undefined) ?? zooms[keyEvent.key];
    if (action !== undefined) {
      keyEvent.preventDefault();
      action();
    }
  });
  for (const kind of ['focusin', 'mouseover'] as const) {
    scroller.addEventListener(kind, ({ target }) => {
      const event = target instanceof Element ? target.closest('a') : null;
      if (event !== null) {
        show(event);
      }
    });
  }
  scroller.addEventListener('click', (mouseEvent) => {
    const event = mouseEvent.target instanceof Element ? mouseEvent.target.closest('a') : null;
    // a click only shows the text of an event; Enter follows the link to the table
    if (event !== null && mouseEvent.detail > 0) {
      mouseEvent.preventDefault();
      moveTo(event);
    }
  });
  scroller.addEventListener(
    'wheel',
    (wheelEvent) => {
      if (wheelEvent.ctrlKey) {
        wheelEvent.preventDefault();
        const visible = scroller.clientWidth - gutterWidth();
        const offset = wheelEvent.clientX - scroller.getBoundingClientRect().left - gutterWidth();
        const time = (scroller.scrollLeft + offset) / (visible * zoom);
        zoomTo(zoom * (wheelEvent.deltaY < 0 ? 1.25 : 0.8), time);
      }
    },
    { passive: false },
  );
  for (const button of life.querySelectorAll<HTMLElement>('button')) {
    button.addEventListener('click', () => {
      const { zoom: factor, from, to, stack } = button.dataset;
      if (factor !== undefined) {
        zoomBy(Number(factor));
      } else if (from !== undefined && to !== undefined) {
        const [start, end] = [Number(from), Number(to)];
        zoomTo(STEP_SHARE / Math.max(end - start, 1 / LARGEST_ZOOM), (start + end) / 2);
        const groups = [...picture.querySelectorAll<HTMLElement>('.group')];
        (groups.find((group) => group.dataset.stack === stack) ?? picture).scrollIntoView({ block: 'nearest' });
      }
    });
  }
}

function requireElement(parent: HTMLElement, selector: string): HTMLElement {
  const found = parent.querySelector<HTMLElement>(selector);
  if (found === null) {
    throw new Error(`the page has no ${selector}`);
  }
  return found;
}

/** The position of an event in percent of the life. */
function leftOf(event: HTMLElement): number {
  return parseFloat(event.style.left);
}
