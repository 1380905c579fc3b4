// What somebody typed before the editor was there: it takes over text, focus and caret, between two
// keystrokes. Both ends of the selection travel through the conversion as marks that nobody types.
const ANCHOR = "\uE010";
const HEAD = "\uE011";
const MARKS = new RegExp(`[${ANCHOR}${HEAD}]`, "gu");

const escaped = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const isHtml = (text) => /<\/?[a-z][^<>]*>/i.test(text);

/** Plain text as the editor holds it: an empty line parts paragraphs, others stay line breaks. */
export const toParagraphs = (text) =>
  text
    .split(/\n[^\S\n]*\n/)
    .map((part) => `<p>${escaped(part).replaceAll("\n", "<br>")}</p>`)
    .join("");

// Inside a tag or a merge field there is no place for a caret: it goes behind.
function placeBehind(text, at) {
  const inside = /<[^<>]*$|\{\{[^{}]*\}?$/.exec(text.slice(0, at));
  const rest = inside && /^[^<>{}]*(?:>|\}\}|\})/.exec(text.slice(at));
  return rest ? at + rest[0].length : at;
}

/** The textarea's text as HTML, with the selection marked in it where somebody is typing. */
export function takenFrom(textarea) {
  const text = textarea.value;
  const isText = text !== "" && !isHtml(text);
  const hasMarks = document.activeElement === textarea;
  let marked = text;
  if (hasMarks) {
    const [from, to] = [textarea.selectionStart, textarea.selectionEnd].map((at) => placeBehind(text, at));
    marked = text.slice(0, from) + ANCHOR + text.slice(from, to) + HEAD + text.slice(to);
  }
  return { html: isText ? toParagraphs(marked) : marked, isText, hasMarks };
}

/** Takes the marks out, and gives the editor the focus with the selection between them. */
export function placeCaret(editor) {
  const found = [];
  editor.state.doc.descendants((node, at) => {
    for (const mark of node.text?.matchAll(MARKS) ?? []) found.push(at + mark.index);
  });
  const [anchor, head] = found;
  if (head === undefined) editor.commands.focus("end");
  else
    editor
      .chain()
      .setMeta("addToHistory", false)
      .deleteRange({ from: head, to: head + 1 })
      .deleteRange({ from: anchor, to: anchor + 1 })
      .setTextSelection({ from: anchor, to: head - 1 })
      .run();
  editor.view.focus(); // now: the command waits for the next frame, and keys until then are lost
}
