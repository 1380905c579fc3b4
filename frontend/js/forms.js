// Small helps for plain forms. Every one of them works without this file, only less comfortably.

// The first field that is wrong has the focus, also after a swap; the page itself brings it along
// as `autofocus`. Whoever is typing elsewhere by then is left alone.
document.addEventListener("htmx:after:swap", (event) => {
  const wrong = event.detail.ctx.target?.querySelector?.(".pl-banner ~ * [aria-invalid=true]");
  if (wrong && !document.activeElement?.matches("input, textarea, select, [contenteditable]")) wrong.focus();
});

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
