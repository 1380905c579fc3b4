// Small helps for plain forms. Every one of them works without this file, only less comfortably.
import { toast } from "./toasts.js";

// The first field that is wrong has the focus, also after a swap; the page itself brings it along
// as `autofocus`. Whoever is typing elsewhere by then is left alone.
document.addEventListener("htmx:after:swap", (event) => {
  const wrong = event.detail.ctx.target?.querySelector?.(".pl-banner ~ * [aria-invalid=true]");
  if (wrong && !document.activeElement?.matches("input, textarea, select, [contenteditable]")) wrong.focus();
});

// More than the server reads of a form (data-most) is not sent: its refusal would take the page's
// place, and what was typed with it.
function octetsIn(form) {
  const fields = [...new FormData(form)].map(([name, value]) => [name, value.size ?? value.replace(/\r?\n/g, "\r\n")]);
  if (form.enctype !== "multipart/form-data") return new URLSearchParams(fields).toString().length;
  return fields.reduce((sum, [, value]) => sum + (typeof value === "number" ? value : new Blob([value]).size), 0);
}

document.addEventListener(
  "submit",
  (event) => {
    const most = Number(event.target.dataset.most);
    if (!most || octetsIn(event.target) <= most) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const bound = most >> 20 ? `${most >> 20} MB` : `${most >> 10} KB`;
    toast(`This is more than ${bound} at once, and was not sent. It still stands here: make it shorter.`);
  },
  true,
);

// Quick picks: <button data-start="2026-11-25T10:00"> sets the start and chooses "Later".
document.addEventListener("click", (event) => {
  const start = event.target.closest("[data-start]")?.dataset.start;
  if (!start) return;
  const field = document.querySelector("#start");
  field.value = start;
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

// Whoever sets a time means "Later".
document.addEventListener("input", (event) => {
  if (event.target.id === "start") document.querySelector("#when-later").checked = true;
});

// What is typed while a form is under way stands there still when its answer takes the form's place.
const UNTYPED = ["hidden", "submit", "button", "file"];
const isTicked = ({ type }) => type === "checkbox" || type === "radio";
const stateOf = (control) => (isTicked(control) ? control.checked : control.value);
const typedIn = (form) => [...form.elements].filter(({ name, type }) => name && !UNTYPED.includes(type));
const sent = new WeakMap(); // form: each control as it was sent
const since = new WeakMap(); // form: what is to be put back

const writing = (event) => {
  const form = event.detail.ctx?.sourceElement;
  return form instanceof HTMLFormElement && form.method === "post" ? form : null;
};

document.addEventListener("htmx:before:request", (event) => {
  const form = writing(event);
  if (form) sent.set(form, new Map(typedIn(form).map((control) => [control, stateOf(control)])));
});

document.addEventListener("htmx:before:swap", (event) => {
  const form = writing(event);
  if (!sent.has(form)) return;
  const was = sent.get(form);
  const changed = typedIn(form).filter((control) => was.has(control) && was.get(control) !== stateOf(control));
  since.set(form, changed.map((control) => [control, stateOf(control)]));
});

document.addEventListener("htmx:after:swap", (event) => {
  for (const [control, state] of since.get(writing(event)) ?? []) {
    const place = control.isConnected ? control : document.getElementById(control.id);
    if (!place || stateOf(place) === state) continue;
    place[isTicked(place) ? "checked" : "value"] = state;
    place.dispatchEvent(new Event("input", { bubbles: true }));
  }
});

document.addEventListener("htmx:finally:request", (event) => {
  const form = writing(event);
  sent.delete(form);
  since.delete(form);
});
