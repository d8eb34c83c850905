// The texts of this page that stand out too little from what is behind them: [ratio, colours, the element's beginning].
// https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio; 3 is enough for large letters, 4.5 is asked of all others.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
canvas.canvas.width = canvas.canvas.height = 1;
const read = new Map();

/** Red, green and blue of 0 to 255 and the alpha of 0 to 1 of any CSS colour. */
function parts(colour) {
  if (!read.has(colour)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    read.set(colour, [red, green, blue, alpha / 255]);
  }
  return read.get(colour);
}

function over([red, green, blue, alpha], below) {
  return [red, green, blue].map((value, index) => value * alpha + below[index] * (1 - alpha));
}

const backgrounds = new Map();

/** What is behind the letters of an element, or null where it is a picture or a gradient. */
function background(element) {
  if (element === null) return [255, 255, 255];
  if (!backgrounds.has(element)) {
    const style = getComputedStyle(element);
    const own = parts(style.backgroundColor);
    backgrounds.set(element, own[3] === 1 ? over(own, own) : over(own, background(element.parentElement)));
  }
  return backgrounds.get(element);
}

function luminance(colour) {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function opacity(element) {
  return element === null ? 1 : Number(getComputedStyle(element).opacity) * opacity(element.parentElement);
}

const faint = new Map();
let texts = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (walker.currentNode.data.trim() === "" || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
  if (element.closest("style, script, noscript, template, .headerlink") !== null) continue;
  const box = element.getBoundingClientRect();
  if (box.width < 2 || box.height < 2) continue; // there for screen readers alone
  texts += 1;
  const style = getComputedStyle(element);
  const [red, green, blue, alpha] = parts(element instanceof SVGElement ? style.fill : style.color);
  const behind = background(element);
  const letters = over([red, green, blue, alpha * opacity(element)], behind);
  const [light, dark] = [luminance(letters), luminance(behind)].sort((one, other) => other - one);
  const ratio = (light + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) {
    const colours = `rgb(${letters.map(Math.round)}) on rgb(${behind.map(Math.round)})`;
    faint.set(colours, [ratio.toFixed(2), colours, element.outerHTML.slice(0, 120)]);
  }
}
return [texts, [...faint.values()]];
