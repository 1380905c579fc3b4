// Lists: any click on a row opens it, in the drawer (data-href) or as a page (data-open).
import htmx from "./htmx.js";

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();

  const row = event.target.closest("tr[data-href], tr[data-open]");
  if (!row || event.target.closest("a, button, input, label")) return;
  if (String(getSelection())) return; // the reader marks text to copy it
  if (row.dataset.open) location.assign(row.dataset.open);
  else htmx.ajax("GET", row.dataset.href, { target: "#drawer", swap: "innerHTML" });
});

// Whatever lands in #drawer is opened. The mark keeps a later swap elsewhere on the page from
// reopening a drawer that was closed.
document.addEventListener("htmx:after:swap", () => {
  const dialog = document.querySelector("#drawer dialog:not([data-shown])");
  if (!dialog) return;
  dialog.setAttribute("data-shown", "");
  // A closed drawer is emptied, so that it stops asking for news.
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
});
