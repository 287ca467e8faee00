/* Runs in the tested page, and measures the contrast of its texts. */

declare global {
  interface Window {
    /** Returns the texts with too little contrast, and their contrast. */
    textsOfLowContrast: (minimum: number) => string[];
  }
}

type Color = readonly [red: number, green: number, blue: number, alpha: number];

window.textsOfLowContrast = (minimum) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts: string[] = [];
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent?.trim() ?? '';
    if (element === null || text === '' || element.closest('script, style') !== null || !element.checkVisibility()) {
      continue;
    }
    const color = colorOf(getComputedStyle(element).color);
    const lowestContrast = Math.min(...backgroundsOf(element).map((background) => contrast(color, background)));
    if (lowestContrast < minimum) {
      texts.push(`${lowestContrast.toFixed(2)} ${text.slice(0, 40)}`);
    }
  }
  return texts;
};

/** The possible background colors of a text. Behind a lane without a background, the picture can show a window of an authorization. */
function backgroundsOf(element: Element): Color[] {
  for (let ancestor: Element | null = element; ancestor !== null; ancestor = ancestor.parentElement) {
    const background = colorOf(getComputedStyle(ancestor).backgroundColor);
    const [, , , alpha] = background;
    if (alpha === 1) {
      return [background];
    }
    if (ancestor.classList.contains('group')) {
      const authorizationWindow = document.querySelector('.valid');
      const windowColors = authorizationWindow === null ? [] : [colorOf(getComputedStyle(authorizationWindow).backgroundColor)];
      return [...windowColors, ...backgroundsOf(document.body)];
    }
  }
  throw new Error('the page has no background color');
}

function colorOf(text: string): Color {
  const [red = 0, green = 0, blue = 0, alpha = 1] = [...text.matchAll(/[\d.]+/g)].map(Number);
  return [red, green, blue, alpha];
}

/** The contrast ratio of WCAG 2. */
function contrast(one: Color, other: Color): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((first, second) => first - second);
  return (lighter + 0.05) / (darker + 0.05);
}

/** The relative luminance of WCAG 2. */
function luminance([red, green, blue]: Color): number {
  const [linearRed = 0, linearGreen = 0, linearBlue = 0] = [red, green, blue].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linearRed + 0.7152 * linearGreen + 0.0722 * linearBlue;
}

export {};
