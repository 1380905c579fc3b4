// Where a message is written: the body with its toolbar, merge fields for body and subject, the preview.
import { openImage, openLink } from "./dialogs.js";
import { bodyOf } from "./formats.js";

const PREVIEW_DELAY_MS = 500;
const DIALOGS = { link: openLink, image: openImage };

export function mount(root) {
  const body = bodyOf(root, (editor) => showState(editor, root));
  // Where the reader was last: merge fields go there.
  let inSubject = document.activeElement?.id === "subject";
  document.addEventListener("focusin", (event) => {
    if (event.target.id === "subject") inSubject = true;
    else if (event.target.closest(".pl-rte") || event.target === body.textarea) inSubject = false;
  });
  // A button must not take the focus: the caret stays where the reader was typing.
  root.addEventListener("mousedown", (event) => {
    if (event.target.closest("[data-cmd], [data-opens], [data-field]")) event.preventDefault();
  });
  root.addEventListener("click", (event) => {
    const { cmd, opens, field } = event.target.closest("[data-cmd], [data-opens], [data-field]")?.dataset ?? {};
    if (cmd) body.editor.chain().focus()[cmd]().run();
    else if (opens) DIALOGS[opens](body.editor, body.images);
    else if (field) insertField(field, inSubject ? document.querySelector("#subject") : body);
  });
  root.addEventListener("change", (event) => {
    if (event.target.matches("[data-style]")) setStyle(body.editor, Number(event.target.value));
  });
  // A failed submit morphs the toolbar; the buttons have to say again what is on.
  document.addEventListener("htmx:after:swap", () => showState(body.editor, root));
  keepPreviewFresh(root.closest("form"), body.images);
}

function showState(editor, root) {
  if (!editor) return;
  for (const button of root.querySelectorAll("[data-mark]")) {
    button.setAttribute("aria-pressed", editor.isActive(button.dataset.mark));
  }
  for (const button of root.querySelectorAll("[data-can]")) {
    button.setAttribute("aria-disabled", !editor.can()[button.dataset.can]());
  }
  const { level = 0 } = editor.isActive("heading") ? editor.getAttributes("heading") : {};
  root.querySelector("[data-style]").value = level <= 3 ? level : 3;
}

function setStyle(editor, level) {
  const chain = editor.chain().focus();
  (level ? chain.setHeading({ level }) : chain.setParagraph()).run();
}

/** At the caret of the editor, or of a plain field. */
function insertField(field, place) {
  if (place.editor) return insertChip(place.editor, field);
  const control = place.textarea ?? place;
  control.setRangeText(`{{ ${field} }}`, control.selectionStart, control.selectionEnd, "end");
  control.focus();
  control.dispatchEvent(new Event("input", { bubbles: true }));
}

function insertChip(editor, field) {
  const { storedMarks, selection } = editor.state;
  const marks = (storedMarks ?? selection.$from.marks()).map((mark) => mark.toJSON());
  editor.chain().focus().insertContent({ type: "merge", attrs: { field }, marks }).run();
}

function keepPreviewFresh(written, images) {
  if (!document.querySelector("#preview-form")) return;
  let timer;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => images.settled().then(() => preview(written)), PREVIEW_DELAY_MS);
  };
  document.addEventListener("input", (event) => {
    if (["subject", "body"].includes(event.target.name)) soon();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (["recipients", "preview-as"].includes(event.detail.ctx.target?.id)) soon();
  });
  document.body.addEventListener("images", soon); // one has arrived
  preview(written);
}

/**
 * Posts what is written into a frame of its own making. A new frame each time, since to load into an
 * old one would add to the history; the old one stays until the new one has something to show.
 */
function preview(written) {
  const form = document.querySelector("#preview-form");
  for (const name of ["subject", "body", "format", "sample"]) {
    form.elements[name].value = written.elements.namedItem(name)?.value ?? "";
  }
  const frames = document.querySelector("#preview-frames");
  const old = [...frames.children];
  const fresh = old[0].cloneNode();
  for (const frame of old) frame.removeAttribute("name");
  fresh.addEventListener("load", () => old.forEach((frame) => frame.remove()), { once: true });
  frames.append(fresh);
  form.submit();
}
