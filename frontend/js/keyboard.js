// Keys for what is done often. Each is listed in the help dialog (templates/_help.html), and does
// nothing while somebody types or a dialog is open.
import { openPalette } from "./palette.js";

const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]:not([contenteditable=false])";

const search = () => {
  const field = document.querySelector("main input[type=search]");
  field?.focus();
  field?.select();
  return Boolean(field);
};

/** The link that opens the row after (or before) the one that has the focus. */
function step(by) {
  const openers = [...document.querySelectorAll("main .pl-table tbody tr")]
    .map((row) => row.querySelector("a.pl-opener, a[href]"))
    .filter(Boolean);
  if (!openers.length) return false;
  const row = document.activeElement?.closest(".pl-table tbody tr");
  const at = openers.findIndex((link) => row?.contains(link));
  const next = at < 0 ? (by > 0 ? 0 : openers.length - 1) : Math.min(Math.max(at + by, 0), openers.length - 1);
  openers[next].focus();
  openers[next].scrollIntoView({ block: "nearest" });
  return true;
}

function help() {
  const dialog = document.querySelector("#help");
  dialog?.showModal();
  return Boolean(dialog);
}

const KEYS = {
  "/": search,
  c: () => (location.assign("/compose"), true),
  j: () => step(1),
  k: () => step(-1),
  "?": help,
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  if ((event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    // In the editor it makes a link.
    if (event.target.closest("[contenteditable]:not([contenteditable=false])")) return;
    if (openPalette()) event.preventDefault();
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.target.closest(TYPING) || document.querySelector("dialog:modal, :popover-open")) return;
  if (KEYS[event.key]?.()) event.preventDefault();
});
