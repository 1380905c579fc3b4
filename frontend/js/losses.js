// What the editor would drop of some HTML: it holds text, headings, lists, links and images, and
// nothing else. Compared are the HTML and what the editor makes of it, by what each has of a kind.
import { throughEditor } from "./editor.js";

const SAME = { b: "strong", i: "em", del: "s", strike: "s" };
const NO_LOSS = new Set(["html", "head", "body", "meta", "title", "div", "span", "br", "p", "tbody"]);
const UNSEEN = "style, script, title, template";
const MAX_NAMED = 5;

/** In words, the most telling first: ["<table>", "style=…", "comments"]; empty where nothing is. */
export function losses(html) {
  const [before, after] = [kindsIn(html), kindsIn(throughEditor(html))];
  const lost = [...before.kinds].filter(([kind, count]) => count > (after.kinds.get(kind) ?? 0));
  const named = lost.map(([kind]) => kind).slice(0, MAX_NAMED);
  return before.text === after.text ? named : ["some of the text", ...named];
}

/** Whether some HTML says more than its lines. */
export function isFormatted(html) {
  const { kinds } = kindsIn(html);
  return kinds.size > 0;
}

function kindsIn(html) {
  const page = new DOMParser().parseFromString(html, "text/html"); // runs and loads nothing
  const kinds = new Map();
  const count = (kind) => kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  for (const element of page.querySelectorAll("*")) {
    const name = SAME[element.localName] ?? element.localName;
    if (!NO_LOSS.has(name)) count(`<${name}>`);
    if (name === "meta") continue;
    for (const attribute of element.attributes) count(`${attribute.name}=…`);
  }
  const comments = page.createNodeIterator(page, NodeFilter.SHOW_COMMENT);
  while (comments.nextNode()) count("comments");
  for (const element of page.querySelectorAll(UNSEEN)) element.remove();
  return { kinds, text: page.documentElement.textContent.replace(/\s+/g, "") };
}
