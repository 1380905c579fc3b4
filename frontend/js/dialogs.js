// The dialogs of the toolbar: a link with its address and text, an image with its description.
// They check what is typed; nothing of it changes the message before.
import { addressOfImage, addressOfLink } from "./addresses.js";
import { insertImage } from "./editor.js";
import { isImage, nameIn } from "./images.js";

const FIELD = /\{\{\s*(\w+(?:\s*\|\s*default\((?:"[^"]*"|'[^']*')\))?)\s*\}\}/;

/** Opens the form `#NAME-dialog` with `values`; what `onDone` returns, if anything, is wrong: [field, why]. */
function open(name, values, onDone) {
  const dialog = document.querySelector(`#${name}-dialog`);
  const form = dialog.querySelector("form");
  for (const [field, value] of Object.entries(values)) {
    const control = form.elements.namedItem(field);
    if (control.type === "checkbox") control.checked = value;
    else control.value = value;
    mend(control);
  }
  form.onsubmit = (event) => {
    if (event.submitter?.value === "cancel") return;
    event.preventDefault();
    const wrong = onDone(form.elements, event.submitter?.value);
    for (const field of Object.keys(values)) mend(form.elements.namedItem(field));
    if (wrong) return blame(form.elements.namedItem(wrong[0]), wrong[1]);
    dialog.close();
  };
  dialog.showModal();
}

const noteOf = (control) => document.querySelector(`#${control.id}-note`);

function blame(control, why) {
  const note = noteOf(control);
  note.dataset.hint ??= note.textContent;
  note.textContent = why;
  note.dataset.tone = "bad";
  control.setAttribute("aria-invalid", "true");
  control.focus();
}

function mend(control) {
  control.removeAttribute("aria-invalid");
  const note = noteOf(control);
  if (note?.dataset.hint === undefined) return;
  note.textContent = note.dataset.hint;
  delete note.dataset.tone;
}

export function openLink(editor) {
  const { href } = editor.getAttributes("link");
  if (href !== undefined) editor.commands.extendMarkRange("link");
  const { from, to } = editor.state.selection;
  const said = editor.state.doc.textBetween(from, to, " ", (leaf) => (leaf.type.name === "merge" ? `{{ ${leaf.attrs.field} }}` : ""));
  document.querySelector("#link-remove").hidden = href === undefined;
  open("link", { link_address: href ?? "", link_text: said }, (fields, deed) => {
    if (deed === "remove") return void editor.chain().focus().setTextSelection({ from, to }).unsetLink().run();
    const address = addressOfLink(fields.link_address.value);
    if (address.problem) return ["link_address", address.problem];
    const text = fields.link_text.value.trim() || address.href;
    const chain = editor.chain().focus().setTextSelection({ from, to });
    if (from < to && (text === said.trim() || !said.trim())) chain.setLink({ href: address.href });
    else chain.insertContent(linked(text, address.href, editor.state.doc.resolve(from).marks()));
    // What is typed next is no part of it.
    chain.command(({ tr, commands }) => commands.setTextSelection(tr.selection.to)).unsetMark("link").run();
  });
}

/** Text with its merge fields as chips, all of it leading to one address. */
function linked(text, href, around) {
  const marks = [...around.filter((mark) => mark.type.name !== "link").map((mark) => mark.toJSON()), { type: "link", attrs: { href } }];
  return text.split(new RegExp(FIELD.source, "g")).flatMap((piece, at) => {
    if (at % 2) return [{ type: "merge", attrs: { field: piece }, marks }];
    return piece ? [{ type: "text", text: piece, marks }] : [];
  });
}

/** An image by its address, or as a file that goes along; of one that is there, all but the file. */
export function openImage(editor, images) {
  const { src = "", alt, width } = editor.isActive("image") ? editor.getAttributes("image") : {};
  const isOwn = nameIn(src) !== undefined;
  document.querySelector("#image-from").hidden = isOwn;
  const values = { image_file: "", image_address: src, image_alt: alt ?? "", image_decoration: alt === "", image_width: width ?? "" };
  open("image", values, (fields) => {
    const [file] = fields.image_file.files;
    if (file && !isImage(file)) return ["image_file", "Choose a PNG, JPEG, GIF or WebP file: mail programs show no other."];
    const address = isOwn || file ? { href: src } : addressOfImage(fields.image_address.value);
    if (address.problem) return ["image_address", address.problem];
    const said = fields.image_alt.value.trim();
    if (!said && !fields.image_decoration.checked) {
      return ["image_alt", "Say in a few words what it shows, or tick that it is only decoration."];
    }
    const wide = fields.image_width.value.trim();
    if (wide && !/^[1-9]\d{0,3}$/.test(wide)) return ["image_width", "Give a number of pixels, such as 600, or nothing."];
    const attrs = { src: address.href, alt: said, width: wide || null };
    if (file) images.put(file, (put) => insertImage(editor, { ...put, ...(wide && { width: wide }) }), said);
    else if (src) editor.chain().focus().updateAttributes("image", attrs).run();
    else insertImage(editor, attrs);
  });
}
