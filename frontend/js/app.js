// Entry point of every page: the libraries, our elements, and the small behaviours around them.
import "./htmx.js";
import "basecoat-css/basecoat";
import "basecoat-css/dropdown-menu";
import "basecoat-css/popover";
import "basecoat-css/toast";

import "./chart.js";
import "./copy.js";
import "./drawer.js";
import "./forms.js";
import "./live.js";
import "./once.js";
import "./requests.js";
import "./selection.js";
import "./sidebar.js";
import "./upload.js";

// The theme itself is set in theme.js, before the first paint.
document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-set]");
  if (!choice) return;
  localStorage.setItem("theme", choice.dataset.themeSet);
  document.dispatchEvent(new Event("theme:change"));
});

// "/" focuses the search field, unless the reader is typing somewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
});

// The editor is the heaviest part by far, so only a page that has one loads it.
async function mountEditor() {
  const root = document.querySelector("[data-editor]:not([data-ready])");
  if (!root) return;
  root.setAttribute("data-ready", "");
  const { mount } = await import("./compose.js");
  mount(root);
}

mountEditor();
