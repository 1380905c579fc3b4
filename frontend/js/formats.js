// How the body is written: in the editor, as HTML source, or as plain text. The textarea holds it
// in all three. A change that would lose something asks first, and until it is done nothing is said
// to have changed: a draft is never stored half-way.
import { createEditor, dropImage, htmlOf } from "./editor.js";
import { imagesIn, imagesOf } from "./images.js";
import { isFormatted, losses } from "./losses.js";
import { ask } from "./questions.js";
import { placeCaret, takenFrom, toParagraphs } from "./takeover.js";

const RICH = "rich";
const SOURCE = "html";
const PLAIN = "text";
const BLOCK_END = /(<\/(?:p|h[1-6]|ul|ol|li|blockquote|pre)>|<hr>)(?=<)/g;
const NOT_CHANGED = "The format was not changed: the server did not answer. Try again in a moment.";

const list = new Intl.ListFormat("en", { type: "conjunction" });
const without = (html, name) => html.replaceAll(new RegExp(`<img[^>]*cid:${name}[^>]*>`, "gi"), "");
const inLines = (html) => html.replace(BLOCK_END, "$1\n");

/** The body below `root`; `onState` hears of each change of format, of text or page. */
export function bodyOf(root, onState) {
  const textarea = root.querySelector("textarea");
  const note = document.querySelector("#format-note");
  const form = root.closest("form");
  const choices = () => form.elements.namedItem("format");
  const images = imagesOf(root, (name) => (editor ? dropImage(editor, name) : write(without(textarea.value, name))));
  let editor = null;
  let current = choices().value;
  let isChanging = false;

  function write(text) {
    textarea.value = text;
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function open(taken) {
    editor = createEditor(root.querySelector("[data-host]"), { ...taken, images, onText: write, onState });
    textarea.hidden = true;
    if (taken.hasMarks) placeCaret(editor);
  }

  function close() {
    editor?.destroy();
    editor = null;
    textarea.hidden = false;
    onState(null);
  }

  function mark(format) {
    current = format;
    choices().value = format;
  }

  function begin() {
    if (current !== RICH) return onState(null);
    const lost = losses(textarea.value);
    const taken = takenFrom(textarea);
    if (taken.isText || !lost.length) {
      open(taken);
      if (taken.isText) write(htmlOf(editor));
      return;
    }
    mark(SOURCE);
    note.textContent = `Shown as HTML source: the rich text editor would drop ${list.format(lost)}.`;
    onState(null);
  }

  async function change(to) {
    const [from, before] = [current, textarea.value];
    mark(from); // until it is done
    const text = await converted(before, from, to);
    if (text === null) return choices().item([RICH, SOURCE, PLAIN].indexOf(from)).focus();
    if (textarea.value !== before) return change(to); // typed meanwhile
    if (from === RICH) close();
    mark(to);
    if (to === RICH) open({ html: text, isText: from === PLAIN });
    write(to === RICH ? htmlOf(editor) : text);
  }

  /** The text in another format; null: it stays as it is. */
  async function converted(text, from, to) {
    if (!text.trim()) return "";
    if (from === PLAIN) return to === RICH ? toParagraphs(text) : inLines(toParagraphs(text));
    if (to === PLAIN) {
      if (isFormatted(text) && !(await ask("lose-formatting"))) return null;
      return plain(text);
    }
    if (to === SOURCE) return inLines(text);
    const lost = losses(text);
    const why = `The editor cannot hold ${list.format(lost)}. It would be taken out.`;
    return lost.length && !(await ask("lose-source", why)) ? null : text;
  }

  async function plain(html) {
    const body = new URLSearchParams({ body: html });
    const token = document.querySelector('meta[name="csrf-token"]').content;
    try {
      const answer = await fetch("/compose/text", { method: "POST", body, headers: { "X-CSRF-Token": token, "HX-Request": "true" } });
      if (!answer.ok) throw new Error(answer.statusText);
      return (await answer.json()).text;
    } catch {
      note.textContent = NOT_CHANGED;
      return null;
    }
  }

  // Before the draft hears of it.
  for (const kind of ["input", "change"]) {
    document.addEventListener(
      kind,
      async (event) => {
        if (event.target.name !== "format" || !form.contains(event.target)) return;
        event.stopPropagation();
        const to = event.target.value;
        if (isChanging) return mark(current);
        if (to === current) return;
        isChanging = true;
        note.textContent = "";
        await change(to).finally(() => (isChanging = false));
      },
      true,
    );
  }

  // In HTML source an image is put in as its tag.
  function insertTag(event, transfer) {
    const files = current === SOURCE ? imagesIn(transfer) : [];
    if (!files.length) return;
    event.preventDefault();
    for (const file of files) {
      images.put(file, ({ src, alt, width }) => {
        const tag = `<img src="${src}" alt="${alt.replaceAll('"', "&quot;")}"${width ? ` width="${width}"` : ""}>`;
        textarea.setRangeText(tag, textarea.selectionStart, textarea.selectionEnd, "end");
        write(textarea.value);
      });
    }
  }
  textarea.addEventListener("paste", (event) => insertTag(event, event.clipboardData));
  textarea.addEventListener("drop", (event) => insertTag(event, event.dataTransfer));

  begin();
  return {
    get editor() {
      return editor;
    },
    images,
    textarea,
  };
}
