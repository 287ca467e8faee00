/* Runs in the page: zooms, moves between events, and shows the text of an event. The page is readable without this script. */

const LARGEST_ZOOM = 400;
/** The share of the width that a step fills after zooming to the step. */
const STEP_SHARE = 0.9;

for (const picture of document.querySelectorAll<HTMLElement>('.picture')) {
  makeInteractive(picture, picture.parentElement ?? picture);
}

/** @param life the element that contains the picture and the buttons that zoom to a step */
function makeInteractive(picture: HTMLElement, life: HTMLElement): void {
  const scroller = requireElement(picture, '.scroller');
  const eventText = requireElement(picture, '.event-text');
  const lanes = [...picture.querySelectorAll<HTMLElement>('.lane')]
    .map((lane) => [...lane.querySelectorAll<HTMLAnchorElement>('a')].sort((one, other) => leftOf(one) - leftOf(other)))
    .filter((events) => events.length > 0);
  let zoom = 1;
  let currentEvent = lanes[0]?.[0];
  currentEvent?.setAttribute('tabindex', '0');

  /** The width of the column with the labels of the lanes. */
  const gutterWidth = (): number => parseFloat(getComputedStyle(picture).getPropertyValue('--gutter')) || 0;

  /** Zooms, and scrolls so that the position `center`, from 0 to 1, is in the middle. */
  const zoomTo = (value: number, center: number): void => {
    zoom = Math.min(LARGEST_ZOOM, Math.max(1, value));
    picture.style.setProperty('--zoom', String(zoom));
    const visible = scroller.clientWidth - gutterWidth();
    scroller.scrollLeft = center * visible * zoom - visible / 2;
  };
  const visibleCenter = (): number => {
    const visible = scroller.clientWidth - gutterWidth();
    return (scroller.scrollLeft + visible / 2) / (visible * zoom);
  };
  /** Zooms by a factor. The factor 0 shows the whole life. */
  const zoomBy = (factor: number, center = visibleCenter()): void => {
    zoomTo(factor === 0 ? 1 : zoom * factor, center);
  };

  const showText = (event: HTMLAnchorElement): void => {
    const row = document.getElementById(event.hash.slice(1));
    eventText.textContent = [...(row?.children ?? [])].map((cell) => cell.textContent).join(' · ');
  };
  const focusEvent = (event: HTMLAnchorElement | undefined): void => {
    if (event !== undefined) {
      currentEvent?.setAttribute('tabindex', '-1');
      event.setAttribute('tabindex', '0');
      currentEvent = event;
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
    const laneIndex = lanes.findIndex((laneEvents) => currentEvent !== undefined && laneEvents.includes(currentEvent));
    const events = lanes[laneIndex] ?? [];
    const eventIndex = currentEvent === undefined ? -1 : events.indexOf(currentEvent);
    const left = currentEvent === undefined ? 0 : leftOf(currentEvent);
    const isOnEvent = keyEvent.target instanceof HTMLAnchorElement;
    const moves: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => {
        focusEvent(events[eventIndex - 1]);
      },
      ArrowRight: () => {
        focusEvent(events[eventIndex + 1]);
      },
      ArrowUp: () => {
        focusEvent(nearestTo(lanes[laneIndex - 1], left));
      },
      ArrowDown: () => {
        focusEvent(nearestTo(lanes[laneIndex + 1], left));
      },
      Home: () => {
        focusEvent(events[0]);
      },
      End: () => {
        focusEvent(events.at(-1));
      },
    };
    const center = isOnEvent ? left / 100 : visibleCenter();
    const zooms: Readonly<Record<string, () => void>> = {
      '+': () => {
        zoomBy(2, center);
      },
      // on many keyboards, the key + without Shift
      '=': () => {
        zoomBy(2, center);
      },
      '-': () => {
        zoomBy(0.5, center);
      },
      '0': () => {
        zoomBy(0);
      },
    };
    const action = (isOnEvent ? moves[keyEvent.key] : undefined) ?? zooms[keyEvent.key];
    if (action !== undefined) {
      keyEvent.preventDefault();
      action();
    }
  });
  for (const eventType of ['focusin', 'mouseover'] as const) {
    scroller.addEventListener(eventType, ({ target }) => {
      const event = target instanceof Element ? target.closest('a') : null;
      if (event !== null) {
        showText(event);
      }
    });
  }
  scroller.addEventListener('click', (mouseEvent) => {
    const event = mouseEvent.target instanceof Element ? mouseEvent.target.closest('a') : null;
    // a click only shows the text of an event; the Enter key, whose detail is 0, follows the link to the table
    if (event !== null && mouseEvent.detail > 0) {
      mouseEvent.preventDefault();
      focusEvent(event);
    }
  });
  scroller.addEventListener(
    'wheel',
    (wheelEvent) => {
      if (wheelEvent.ctrlKey) {
        wheelEvent.preventDefault();
        const visible = scroller.clientWidth - gutterWidth();
        const offset = wheelEvent.clientX - scroller.getBoundingClientRect().left - gutterWidth();
        const pointedPosition = (scroller.scrollLeft + offset) / (visible * zoom);
        zoomTo(zoom * (wheelEvent.deltaY < 0 ? 1.25 : 0.8), pointedPosition);
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

/** The left edge of an event, in percent of the life's width. */
function leftOf(event: HTMLElement): number {
  return parseFloat(event.style.left);
}
