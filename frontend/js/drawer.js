// Lists: a click on a row opens it, in the drawer (data-href, data-drawer) or as a page (data-open).
//
// The drawer's address is the list's with ?open=<path of the page>: a link to it opens the list with
// the drawer, Back closes it, and without this file each row's link leads to the page.
import htmx from "./htmx.js";

const OPEN = "open";
const LOCAL = /^\/[a-z-]+\/[0-9a-f-]{36}$/; // nothing but a thing's own page is loaded

const addressed = () => {
  const path = new URLSearchParams(location.search).get(OPEN);
  return path && LOCAL.test(path) ? path : null;
};
const dialog = () => document.querySelector("#drawer > dialog");
const isOpen = () => Boolean(dialog()?.open);

/** This address with the drawer's path in it, or without. */
function here(path) {
  const url = new URL(location.href);
  url.searchParams.delete(OPEN);
  // Readable: a slash is allowed in a query.
  const query = [url.searchParams.toString(), path && `${OPEN}=${path}`].filter(Boolean).join("&");
  return url.pathname + (query && `?${query}`);
}

let isWanted = false; // Back may leave it again before it comes

function load(path) {
  isWanted = true;
  return htmx.ajax("GET", path, { source: "#drawer", target: "#drawer", swap: "innerHTML" });
}

document.addEventListener("htmx:before:swap", (event) => {
  if (event.detail.ctx.sourceElement?.id === "drawer" && !isWanted) event.preventDefault();
});

function open(path) {
  if (!LOCAL.test(path)) return location.assign(path);
  if (addressed() !== path) {
    // Stamped as htmx stamps its own, so that it restores a list that was swapped since.
    if (!history.state?.htmx) history.replaceState({ ...history.state, htmx: true }, "");
    if (isOpen()) history.replaceState(history.state, "", here(path));
    else history.pushState({ htmx: true, drawer: true }, "", here(path));
  }
  return load(path);
}

const modified = (event) => event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  if (modified(event)) return;

  const link = event.target.closest("a[data-drawer]");
  if (link) {
    event.preventDefault();
    open(link.getAttribute("href"));
    return;
  }
  const row = event.target.closest("tr[data-href], tr[data-open]");
  if (!row || event.target.closest("a, button, input, label, select, summary")) return;
  if (String(getSelection())) return; // the reader marks text to copy it
  if (row.dataset.open) location.assign(row.dataset.open);
  else open(row.dataset.href);
});

// Whatever lands in #drawer is opened. The mark keeps a later swap elsewhere on the page from
// reopening a drawer that was closed.
document.addEventListener("htmx:after:swap", () => {
  const fresh = document.querySelector("#drawer > dialog:not([data-shown])");
  if (!fresh) return;
  fresh.setAttribute("data-shown", "");
  fresh.addEventListener("close", () => closed(fresh));
  fresh.showModal();
});

/** Close what Back has left; the browser tells of it later, when Forward may have come. */
function leave(drawer) {
  isWanted = false;
  drawer?.close();
  drawer?.remove();
}

function closed(drawer) {
  if (!drawer.isConnected) return;
  drawer.remove(); // so that it stops asking for news
  if (!addressed() || isOpen()) return;
  if (history.state?.drawer) history.back();
  else history.replaceState(history.state, "", here(null));
}

// Back and Forward between a list and its drawer change nothing else on the page.
let listed = here(null);
const follow = () => (listed = here(null));
document.addEventListener("htmx:after:history:update", follow);

// An answer to what was typed before the drawer came changes the list behind it.
document.addEventListener("htmx:before:history:update", ({ detail }) => {
  const path = addressed();
  if (!path || !detail.sourceElement?.closest("#list")) return;
  const action = detail.history;
  action.path += `${action.path.includes("?") ? "&" : "?"}${OPEN}=${path}`;
  action.type = "replace";
});

document.addEventListener("htmx:before:history:restore", (event) => {
  const same = here(null) === listed;
  follow();
  const path = addressed();
  if (!path) leave(dialog());
  if (!same) return;
  event.preventDefault();
  if (path) load(path);
  else keepFocus(document.activeElement);
});

/** The browser takes it to the top of the page at each Back that htmx has a say in. */
function keepFocus(held) {
  window.navigation?.addEventListener("navigatesuccess", () => held.focus({ preventScroll: true }), { once: true });
}

// An address that was shared or reloaded.
if (addressed() && document.querySelector("#drawer")) load(addressed());
