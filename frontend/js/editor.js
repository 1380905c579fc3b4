// The rich-text editor of the compose page. The <textarea> stays the form's value; merge fields
// are {{ name }} there and unbreakable chips in the editor.
import { Editor, Node } from "@tiptap/core";
import StarterKit from "@tiptap/starter-kit";

import { placeCaret, takenFrom } from "./takeover.js";

const MergeField = Node.create({
  name: "merge",
  group: "inline",
  inline: true,
  atom: true,
  addAttributes: () => ({ field: { default: "" } }),
  parseHTML: () => [
    { tag: "span[data-merge]", getAttrs: (element) => ({ field: element.dataset.merge }) },
  ],
  renderHTML: ({ node }) => [
    "span",
    { class: "pl-merge", "data-merge": node.attrs.field },
    `{{ ${node.attrs.field} }}`,
  ],
});

// A field, with a default or without; or a tag, whose attributes are left as they are.
const FIELD = /<[^>]*>|\{\{\s*(\w+(?:\s*\|\s*default\((?:"[^"<>&]*"|'[^'<>&]*')\))?)\s*\}\}/g;
const toChips = (html) =>
  html.replace(FIELD, (all, field) =>
    field ? `<span data-merge="${field.replaceAll('"', "&quot;")}"></span>` : all,
  );
const fromChips = (html) =>
  html.replace(/<span class="pl-merge"[^>]*>(\{\{ [^<>]+ \}\})<\/span>/g, "$1");

// The editor keeps a paragraph in each list item and a spare one at the end. Mail programs would
// show both as gaps, and an empty paragraph not at all.
const tidy = (html) =>
  html
    .replace(/<li><p>(.*?)<\/p>/g, "<li>$1")
    .replace(/(<p><\/p>)+$/, "")
    .replace(/<p><\/p>/g, "<p><br></p>");

const SURFACE = {
  class: "pl-rte",
  role: "textbox",
  "aria-multiline": "true",
  "aria-labelledby": "body-label",
};

/** Puts an editor into `host`, in place of `textarea`; `onMarks` hears of each change of format. */
export function createEditor(host, textarea, onMarks) {
  const taken = takenFrom(textarea);
  const write = () => {
    textarea.value = editor.isEmpty ? "" : tidy(fromChips(editor.getHTML()));
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const editor = new Editor({
    element: host,
    extensions: [StarterKit, MergeField],
    injectCSS: false, // the content security policy allows no inline styles
    // What is typed or pasted between marks stays: *|FNAME|* is a tag of another program, not italics.
    enableInputRules: ["bulletList", "orderedList"],
    enablePasteRules: ["link"],
    content: toChips(taken.html),
    parseOptions: { preserveWhitespace: taken.isText },
    editorProps: { attributes: SURFACE },
    onUpdate: () => write(),
    onTransaction: () => onMarks(editor),
  });
  textarea.hidden = true;
  if (taken.hasMarks) placeCaret(editor);
  if (taken.isText) write();
  return editor;
}
