// The compose page: the editor with its toolbar, merge fields for body and subject, the preview.
import { createEditor } from "./editor.js";

const PREVIEW_DELAY_MS = 500;

export function mount(root) {
  const editor = createEditor(
    root.querySelector("[data-host]"),
    root.querySelector("textarea"),
    (changed) => showMarks(changed, root),
  );
  // Where the reader was last: merge fields go there.
  let inSubject = document.activeElement?.id === "subject";
  document.addEventListener("focusin", (event) => {
    if (event.target.id === "subject") inSubject = true;
    else if (event.target.closest(".pl-rte")) inSubject = false;
  });
  // A button must not take the focus: the caret stays where the reader was typing.
  root.addEventListener("mousedown", (event) => {
    if (event.target.closest("[data-cmd], [data-field]")) event.preventDefault();
  });
  root.addEventListener("click", (event) => {
    const { cmd, field } = event.target.closest("[data-cmd], [data-field]")?.dataset ?? {};
    if (cmd) editor.chain().focus()[cmd]().run();
    else if (field && inSubject) insertIntoSubject(field);
    else if (field) insertIntoBody(editor, field);
  });
  // A failed submit morphs the toolbar; the buttons have to say again what is on.
  document.addEventListener("htmx:after:swap", () => showMarks(editor, root));
  keepPreviewFresh();
}

function showMarks(editor, root) {
  for (const button of root.querySelectorAll("[data-cmd]")) {
    button.setAttribute("aria-pressed", editor?.isActive(button.dataset.mark) ?? false);
  }
}

function insertIntoBody(editor, field) {
  const { storedMarks, selection } = editor.state;
  const marks = (storedMarks ?? selection.$from.marks()).map((mark) => mark.toJSON());
  editor.chain().focus().insertContent({ type: "merge", attrs: { field }, marks }).run();
}

function insertIntoSubject(field) {
  const subject = document.querySelector("#subject");
  subject.setRangeText(`{{ ${field} }}`, subject.selectionStart, subject.selectionEnd, "end");
  subject.focus();
  subject.dispatchEvent(new Event("input", { bubbles: true }));
}

function keepPreviewFresh() {
  let timer;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(preview, PREVIEW_DELAY_MS);
  };
  document.addEventListener("input", (event) => {
    if (["subject", "body"].includes(event.target.name)) soon();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (["recipients", "preview-as"].includes(event.detail.ctx.target?.id)) soon();
  });
  preview();
}

/**
 * Posts the message into a frame of its own making. A new frame each time, since to load into an
 * old one would add to the history; the old one stays until the new one has something to show.
 */
function preview() {
  const form = document.querySelector("#preview-form");
  const written = document.querySelector("#compose").elements;
  for (const name of ["subject", "body", "format", "sample"]) {
    form.elements[name].value = written.namedItem(name)?.value ?? "";
  }
  const frames = document.querySelector("#preview-frames");
  const old = [...frames.children];
  const fresh = old[0].cloneNode();
  for (const frame of old) frame.removeAttribute("name");
  fresh.addEventListener("load", () => old.forEach((frame) => frame.remove()), { once: true });
  frames.append(fresh);
  form.submit();
}
