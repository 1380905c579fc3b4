// Entry point of every page: the libraries, our elements, and the small behaviours around them.
import "./htmx.js";
import "basecoat-css/basecoat";
import "basecoat-css/toast";

import "./appearance.js";
import "./chart.js";
import "./copy.js";
import "./draft.js";
import "./drawer.js";
import "./forms.js";
import "./keyboard.js";
import "./live.js";
import "./notices.js";
import "./once.js";
import "./requests.js";
import "./selection.js";
import "./sidebar.js";
import "./tabs.js";
import "./upload.js";

// The editor is the heaviest part by far, so only a page that has one loads it.
async function mountEditor() {
  const root = document.querySelector("[data-editor]:not([data-ready])");
  if (!root) return;
  root.setAttribute("data-ready", "");
  const { mount } = await import("./compose.js");
  mount(root);
}

mountEditor();
