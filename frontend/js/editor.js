// The rich-text editor of the compose page. The <textarea> stays the form's value; merge fields
// are {{ name }} there and unbreakable chips in the editor. Images of our own are shown; others are
// not loaded but named.
import { Editor, Node, createDocument, getSchema, isNodeEmpty } from "@tiptap/core";
import { DOMSerializer } from "@tiptap/pm/model";
import StarterKit from "@tiptap/starter-kit";
import { imagesIn, nameIn } from "./images.js";

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
  addOptions: () => ({ images: null }), // where those of our own are kept
  addNodeView() {
    const { images } = this.options;
    return ({ node }) => {
      const { src, alt } = node.attrs;
      const dom = Object.assign(document.createElement("span"), { className: "pl-image", title: src });
      dom.textContent = `Image: ${alt || src}`;
      const name = nameIn(src);
      if (name) images.arrival(name).then(() => show(dom, node.attrs, images.addressOf(name)));
      return { dom };
    };
  },
});

function show(dom, { alt, width }, address) {
  const image = Object.assign(document.createElement("img"), { alt: alt ?? "", src: address });
  if (width) image.setAttribute("width", width);
  image.addEventListener("load", () => {
    dom.title = alt ?? "";
    dom.replaceChildren(image);
  });
  image.addEventListener("error", () => (dom.textContent = `Image that is not kept here: ${alt || "put it in again"}`));
}

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

const EXTENSIONS = [
  StarterKit.configure({ link: { openOnClick: false, HTMLAttributes: { target: null, rel: null } } }),
  MergeField,
];
const OPTIONS = {
  injectCSS: false, // the content security policy allows no inline styles
  // What is typed or pasted between marks stays: *|FNAME|* is a tag of another program, not italics.
  enableInputRules: ["bulletList", "orderedList"],
  enablePasteRules: ["link"],
};

/**
 * An editor in `host`; `onText` hears what it says as HTML, `onState` of each change of format.
 * `images`: keeps those that are put into it (images.js).
 */
export function createEditor(host, { html, isText = false, images, onText, onState }) {
  const editor = new Editor({
    ...OPTIONS,
    extensions: [...EXTENSIONS, Image.configure({ images })],
    element: host,
    content: toChips(html),
    parseOptions: { preserveWhitespace: isText },
    editorProps: {
      attributes: SURFACE,
      handlePaste: (_, { clipboardData }) => !hasWords(clipboardData) && insert(imagesIn(clipboardData)),
      handleDrop: (view, event, _, isMoved) => !isMoved && insert(imagesIn(event.dataTransfer), placeOf(view, event)),
      transformPastedHTML: (pasted) => withKept(pasted, images),
    },
    onUpdate: ({ editor }) => onText(htmlOf(editor)),
    onTransaction: ({ editor }) => onState(editor),
  });
  function insert(files, at) {
    if (files.length && at !== undefined) editor.commands.setTextSelection(at);
    for (const file of files) images.put(file, (attrs) => insertImage(editor, attrs));
    return files.length > 0;
  }
  return editor;
}

/** At the caret, which goes on behind it. */
export function insertImage(editor, attrs) {
  editor.chain().focus().insertContent({ type: "image", attrs }).run();
}

/** Takes one out again that could not be kept. No undo brings it back. */
export function dropImage(editor, name) {
  const { tr, doc } = editor.state;
  doc.descendants((node, at) => {
    if (nameIn(node.attrs.src) === name) tr.delete(tr.mapping.map(at), tr.mapping.map(at + node.nodeSize));
  });
  editor.view.dispatch(tr.setMeta("addToHistory", false));
}

const placeOf = (view, { clientX, clientY }) => view.posAtCoords({ left: clientX, top: clientY })?.pos;

/** Whether more than a picture is pasted: a table of numbers comes with a picture of itself. */
function hasWords(clipboard) {
  const page = new DOMParser().parseFromString(clipboard?.getData("text/html") ?? "", "text/html");
  return page.body.textContent.trim() !== "";
}

const WRITTEN_OUT = /(<img\b[^>]*\bsrc=)(["'])data:(image\/\w+);base64,([^"']+)\2/gi;

/** Pictures that were pasted within HTML, as files: mail programs show none that are written out. */
const withKept = (html, images) =>
  html.replace(WRITTEN_OUT, (_, before, quote, type, data) => {
    const octets = Uint8Array.from(atob(data), (octet) => octet.charCodeAt(0));
    const file = new File([octets], `image.${type.slice(6)}`, { type });
    return `${before}${quote}cid:${images.keep(file)}${quote}`;
  });

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
  const schema = getSchema([...EXTENSIONS, Image]);
  return serialized(createDocument(toChips(html), schema));
}
