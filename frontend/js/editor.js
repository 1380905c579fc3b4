// The rich-text editor of the compose page. The <textarea> stays the form's value; merge fields
// are {{ name }} there and unbreakable chips in the editor, images are not loaded but named.
import { Editor, Node, createDocument, getSchema, isNodeEmpty } from "@tiptap/core";
import { DOMSerializer } from "@tiptap/pm/model";
import StarterKit from "@tiptap/starter-kit";

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
  renderText: ({ node }) => `{{ ${node.attrs.field} }}`,
});

const kept = (name) => ({ default: null, parseHTML: (element) => element.getAttribute(name) });

// Third parties hear of an image when an email is opened, not while it is written.
const Image = Node.create({
  name: "image",
  group: "inline",
  inline: true,
  draggable: true,
  addAttributes: () => Object.fromEntries(["src", "alt", "title", "width", "height"].map((name) => [name, kept(name)])),
  parseHTML: () => [{ tag: "img[src]" }],
  renderHTML: ({ HTMLAttributes }) => ["img", HTMLAttributes], // into documents that load nothing
  addNodeView: () => ({ node }) => {
    const dom = Object.assign(document.createElement("span"), { className: "pl-image", title: node.attrs.src });
    dom.textContent = `Image: ${node.attrs.alt || node.attrs.src}`;
    return { dom };
  },
});

// A field, with a default or without; or a tag, whose attributes are left as they are.
const FIELD = /<[^>]*>|\{\{\s*(\w+(?:\s*\|\s*default\((?:"[^"<>&]*"|'[^'<>&]*')\))?)\s*\}\}/g;
export const toChips = (html) =>
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

const OPTIONS = {
  extensions: [
    StarterKit.configure({ link: { openOnClick: false, HTMLAttributes: { target: null, rel: null } } }),
    MergeField,
    Image,
  ],
  injectCSS: false, // the content security policy allows no inline styles
  // What is typed or pasted between marks stays: *|FNAME|* is a tag of another program, not italics.
  enableInputRules: ["bulletList", "orderedList"],
  enablePasteRules: ["link"],
};

/** An editor in `host`; `onText` hears what it says as HTML, `onState` of each change of format. */
export function createEditor(host, { html, isText = false, onText, onState }) {
  return new Editor({
    ...OPTIONS,
    element: host,
    content: toChips(html),
    parseOptions: { preserveWhitespace: isText },
    editorProps: { attributes: SURFACE },
    onUpdate: ({ editor }) => onText(htmlOf(editor)),
    onTransaction: ({ editor }) => onState(editor),
  });
}

/** What it says. Written in a document that is shown nowhere: its images are not loaded. */
export const htmlOf = (editor) => serialized(editor.state.doc);

function serialized(doc) {
  if (isNodeEmpty(doc)) return "";
  const inert = document.implementation.createHTMLDocument();
  inert.body.append(DOMSerializer.fromSchema(doc.type.schema).serializeFragment(doc.content, { document: inert }));
  return tidy(fromChips(inert.body.innerHTML));
}

/** What some HTML is once the editor has taken it over. */
export function throughEditor(html) {
  const schema = getSchema(OPTIONS.extensions);
  return serialized(createDocument(toChips(html), schema));
}
