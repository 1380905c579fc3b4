// What a reader cannot see all of, and what a finger would miss (clipping.py says what counts).
const SLACK = 1.5; // px: line boxes are rounded
const nameOf = (element) =>
  element.localName + (element.id ? `#${element.id}` : [...element.classList].slice(0, 3).map((c) => `.${c}`).join(""));
const scrolls = (value) => value === "auto" || value === "scroll";
const hides = (value) => value === "hidden" || value === "clip";
const short = (text) => JSON.stringify(text.trim().replace(/\s+/g, " ").slice(0, 60));

// Visible at all; what is 1 px small is there for screen readers.
function isShown(element) {
  if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
  for (let around = element; around; around = around.parentElement) {
    const style = getComputedStyle(around);
    if (hides(style.overflowX) && around.clientWidth <= 1 && style.display !== "inline") return false;
  }
  return !element.closest("[aria-hidden=true], option, svg, script, style, template");
}

function extent(boxes) {
  const all = (side) => boxes.map((box) => box[side]);
  return {
    left: Math.min(...all("left")),
    right: Math.max(...all("right")),
    top: Math.min(...all("top")),
    bottom: Math.max(...all("bottom")),
  };
}

// The ancestor that cuts this text off, unless the whole of it is in a title.
function cutter(parent, text, { left, right, top, bottom }) {
  for (let around = parent; around && around !== document.scrollingElement; around = around.parentElement) {
    const style = getComputedStyle(around);
    const box = around.getBoundingClientRect();
    const beyondX = hides(style.overflowX) && (right > box.right + SLACK || left < box.left - SLACK);
    const beyondY = hides(style.overflowY) && (bottom > box.bottom + 2 * SLACK || top < box.top - 2 * SLACK);
    const isInTitle = around.closest("[title]")?.title.includes(text);
    if (beyondY || (beyondX && !isInTitle)) return around;
    if (scrolls(style.overflowX) || scrolls(style.overflowY) || style.position === "fixed") return null;
  }
  return null;
}

// The cell of a table that this text sticks out of, over its neighbour.
function leftCell(parent, { left, right }) {
  for (let around = parent; around; around = around.parentElement) {
    if (around.matches("td, th")) {
      const box = around.getBoundingClientRect();
      return right > box.right + SLACK || left < box.left - SLACK ? around : null;
    }
    if (getComputedStyle(around).overflowX !== "visible") return null;
  }
  return null;
}

// Somebody else's box over the middle of what is seen of it without scrolling.
function cover(parent, box) {
  let { left, right } = box;
  for (let around = parent; around; around = around.parentElement) {
    if (!hides(getComputedStyle(around).overflowX)) continue;
    const cut = around.getBoundingClientRect();
    [left, right] = [Math.max(left, cut.left), Math.min(right, cut.right)];
  }
  const [x, y] = [(left + right) / 2, (box.top + box.bottom) / 2];
  if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return null;
  const above = document.elementFromPoint(x, y);
  if (!above || parent.contains(above) || above.contains(parent)) return null;
  if (above.closest("dialog, [popover], .toaster, .pl-topbar, .pl-sticky-actions")) return null; // floats, on purpose
  const row = above.closest("[data-target]");
  return row?.contains(parent) ? null : above; // a link's area over the whole of its row
}

function clippedText() {
  const found = new Set();
  const root = document.scrollingElement;
  if (root.scrollWidth > root.clientWidth + SLACK) {
    found.add(`the page is ${root.scrollWidth - root.clientWidth} px too wide`);
  }
  for (const box of document.querySelectorAll(".pl-table-box")) {
    if (box.scrollWidth > box.clientWidth + SLACK) {
      found.add(`a list is ${box.scrollWidth - box.clientWidth} px too wide`);
    }
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const [text, parent] = [node.data.trim(), node.parentElement];
    if (!text || !isShown(parent)) continue;
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter((box) => box.width > 1 && box.height > 1);
    if (!boxes.length) continue;
    const by = cutter(parent, text, extent(boxes));
    if (by) found.add(`${short(text)} is cut off by ${nameOf(by)}`);
    const cell = leftCell(parent, extent(boxes));
    if (cell) found.add(`${short(text)} sticks out of ${nameOf(cell)}`);
    const over = cover(parent, boxes[0]);
    if (over) found.add(`${short(text)} is covered by ${nameOf(over)}`);
  }
  return [...found];
}

// Links within a sentence are as high as its lines; all else has to be `least` px in both directions.
function smallTargets(least) {
  const found = new Set();
  const controls = "a[href], button, select, summary, input:not([type=hidden]), textarea";
  for (const element of document.querySelectorAll(controls)) {
    if (!isShown(element) || element.closest(".toaster")) continue;
    const isInline = getComputedStyle(element).display === "inline";
    if (isInline && element.closest("p, li, dd")) continue;
    const row = element.matches(".pl-opener") && element.closest("[data-target]");
    const { width, height } = (row || element.closest("label") || element).getBoundingClientRect();
    if (width <= 1 || height <= 1 || Math.min(width, height) >= least - 0.5) continue;
    const label = element.getAttribute("aria-label") || element.textContent || element.name;
    found.add(`${nameOf(element)} ${short(label)} is ${Math.round(width)} × ${Math.round(height)} px`);
  }
  return [...found];
}
