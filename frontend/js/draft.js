// A compose page is kept while it is written: on the server within a second or so, and in this tab
// (sessionStorage) until the server has it. Requests carry only what changed since the last one.
import { ask } from "./questions.js";
import { toast } from "./toasts.js";

const SAVE_AFTER_MS = 1_000;
const RETRY_MS = 5_000;
const KEEPALIVE_OCTETS = 60_000; // the Fetch standard lets 64 KiB outlive their page
const UNSAVED = "paceline:unsaved";
const NOT_TYPED = new Set(["csrf", "once", "version", "page", "turn", "file", "attached", "addresses", "count", "sample"]);

const form = document.querySelector("#compose[data-draft]");
if (form) keep();

function keep() {
  const id = form.dataset.draft;
  const field = (name) => form.elements.namedItem(name);
  const typed = () =>
    Object.fromEntries(
      [...new FormData(form)].filter(([name, value]) => !NOT_TYPED.has(name) && typeof value === "string"),
    );
  let saved = typed();
  let took = saved; // what the form's own request did
  let turn = 1;
  let timer;
  let underWay = null; // the save that is
  let stopped = false;
  let isLeft = false; // for the page that this one goes on as: what is remembered is that one's

  const isNew = () => field("version").value === "0";
  const say = (text, link) => {
    const state = document.querySelector("#draft-state");
    const words = [document.createTextNode(text)];
    if (link) {
      const anchor = Object.assign(document.createElement("a"), { href: link.href, className: "pl-link" });
      anchor.textContent = link.label;
      words.push(" ", anchor);
    }
    state.replaceChildren(...words);
  };
  const unsaved = () => {
    const now = typed();
    return Object.fromEntries(Object.entries(now).filter(([name, value]) => saved[name] !== value));
  };

  const isKept = () => !underWay && !Object.keys(unsaved()).length;

  // What another sign-in, or this tab before a reload, could not hand to the server any more.
  function restore() {
    const left = JSON.parse(sessionStorage.getItem(UNSAVED) ?? "null");
    // The first save may have come all the same: the page goes on under the name that it had.
    if (left?.isNew && isNew() && left.id !== id) {
      isLeft = true;
      return location.replace(`/compose?again=${left.id}`);
    }
    // This page was on its way before the last save came: what it shows is older than that.
    if (left?.id === id && !left.isReloaded && Number(left.version) > Number(field("version").value)) {
      isLeft = true;
      sessionStorage.setItem(UNSAVED, JSON.stringify({ ...left, isReloaded: true }));
      return location.reload();
    }
    sessionStorage.removeItem(UNSAVED);
    if (left?.id !== id) return;
    field("page").value = left.page;
    turn = left.turn;
    for (const [name, value] of Object.entries(left.fields)) put(name, value);
    if (!Object.keys(left.fields).length) return;
    // What another tab saved meanwhile is not what this was typed on: the server is to say so.
    field("version").value = left.version;
    soon();
  }

  function put(name, value) {
    const control = field(name);
    if (!control) return;
    control.value = value; // of radio buttons: the one that is checked
  }

  function remember() {
    if (isLeft || (isNew() && !Object.keys(unsaved()).length)) return;
    const fields = isNew() ? typed() : unsaved();
    const [version, name] = [field("version").value, field("page").value];
    const left = { id, isNew: isNew(), version, page: name, turn: turn + 1, fields };
    try {
      sessionStorage.setItem(UNSAVED, JSON.stringify(left));
    } catch {
      sessionStorage.removeItem(UNSAVED); // too large for it; the server has it, or the form does
    }
  }

  // Another request takes what is typed along. Refused or not, it may have come: what is typed back to
  // what it was is a change again.
  function unknown() {
    saved = {};
    soon();
  }

  function soon(delay = SAVE_AFTER_MS) {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  }

  function save({ leaving = false } = {}) {
    clearTimeout(timer);
    if (underWay && !leaving) {
      soon();
      return underWay;
    }
    const now = attempt(leaving).finally(() => {
      if (underWay === now) underWay = null;
    });
    return (underWay = now);
  }

  /** What was typed up to now is with the server; false: it is not. */
  async function flush() {
    while (underWay) await underWay;
    await save();
    return isKept();
  }

  async function attempt(leaving) {
    const changes = unsaved();
    if (stopped || !Object.keys(changes).length) return;
    const sent = typed();
    const body = new URLSearchParams(isNew() ? sent : changes);
    for (const name of ["version", "page"]) body.set(name, field(name).value);
    body.set("turn", (turn += 1));
    field("turn").value = turn + 1;
    say("Saving…");
    try {
      const answer = await fetch(`/compose/${id}/autosave`, {
        method: "POST",
        body,
        keepalive: leaving && String(body).length < KEEPALIVE_OCTETS,
        headers: {
          "X-CSRF-Token": document.querySelector('meta[name="csrf-token"]').content,
          "HX-Request": "true",
          "HX-Current-URL": location.href,
        },
      });
      await hear(answer, sent);
    } catch {
      say("Not saved yet: the server does not answer. Trying again …");
      soon(RETRY_MS);
    }
  }

  async function hear(answer, sent) {
    const signIn = answer.headers.get("HX-Redirect");
    if (signIn) return say("Not saved: you were signed out. It is kept in this tab.", { href: signIn, label: "Sign in again" });
    if (answer.status === 403) return say("Not saved: you signed in anew.", { href: location.href, label: "Reload: nothing is lost" });
    if (answer.status >= 500) throw new Error(answer.statusText);
    const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
    const told = isJson ? await answer.json() : {};
    if (answer.status === 409 && told.version) return conflict(told);
    if (!answer.ok) return stop(told.problem ?? "it was scheduled already, or deleted");
    saved = sent;
    goOn(told);
    if (Object.keys(unsaved()).length) soon();
    form.dispatchEvent(new CustomEvent("draft:saved"));
  }

  function goOn(told) {
    if (isNew()) history.replaceState(history.state, "", `/compose/${id}`);
    const version = field("version");
    version.value = Math.max(version.value, told.version);
    say(`Saved ${told.saved}`);
  }

  function stop(why) {
    say(`Not saved: ${why}`);
  }

  function conflict(told) {
    stopped = true;
    const banner = document.querySelector("#draft-conflict");
    banner.hidden = false;
    banner.dataset.version = told.version;
    say(`Not saved: changed elsewhere at ${told.saved}`);
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-keep-this]")) return;
    const banner = document.querySelector("#draft-conflict");
    if (banner.dataset.version) field("version").value = banner.dataset.version;
    banner.hidden = true;
    stopped = false;
    saved = {};
    save();
  });

  for (const kind of ["input", "change"]) form.addEventListener(kind, () => soon());

  // A test is of what stands here, the last keystroke included.
  const test = document.querySelector("#send-test form");
  test.addEventListener("submit", async (event) => {
    if (isKept()) return;
    event.preventDefault();
    if (await flush()) test.requestSubmit();
    else toast("No test was sent: what you typed is not saved yet.");
  });

  // A file takes the place of what was typed, or of another, if that is what is wanted. Before htmx
  // sends it.
  let asked = ""; // the addresses that stood there then
  let isAgreed = false;
  form.addEventListener("change", async (event) => {
    if (event.target !== field("file") || isAgreed) return;
    const [file] = field("file").files;
    const place = field("addresses").value.trim() ? "typed" : document.querySelector("#list-file *") && "file";
    if (file && !place) return;
    event.stopImmediatePropagation();
    if (!file) return; // the chooser was left without one
    const held = new DataTransfer(); // until it is agreed to, no other request of the form takes it along
    held.items.add(file);
    field("file").value = "";
    if (!(await ask(`file-for-${place}`))) return;
    isAgreed = true;
    field("file").files = held.files;
    field("file").dispatchEvent(new Event("change", { bubbles: true }));
    isAgreed = false;
  }, { capture: true });

  // An image of the text is kept by its own request (images.js), and what is typed with it.
  form.addEventListener("draft:asks", () => {
    field("turn").value = (turn += 1) + 1;
    unknown();
  });
  form.addEventListener("draft:kept", (event) => goOn(event.detail));

  // What is typed takes the place of a file that was not kept.
  field("addresses").addEventListener("input", () => (field("file").value = ""));

  // A list is kept by its own request, and need not come along with the form again.
  document.addEventListener("htmx:before:request", (event) => {
    const { sourceElement: source, request } = event.detail.ctx ?? {};
    if (!form.contains(source)) return;
    if (source.matches("[name=file], [formaction]")) asked = field("addresses").value;
    turn += 1;
    field("turn").value = turn + 1;
    if (request.method !== "POST") return;
    took = typed();
    unknown();
    if (source === form) clearTimeout(timer); // it leads on, or says that it does not
  });
  document.addEventListener("htmx:after:swap", (event) => {
    field("turn").value = turn + 1;
    if (field("file")?.files.length && document.querySelector("#recipients [name=count]")) field("file").value = "";
    const drop = form.querySelector("[data-drop-typed]"); // the list is a file now, or gone
    if (drop && field("addresses").value === asked) field("addresses").value = ""; // not what was typed since
    drop?.remove();
    if (!isNew() && location.pathname === "/compose") history.replaceState(history.state, "", `/compose/${id}`);
    stopped = !(document.querySelector("#draft-conflict")?.hidden ?? true);
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const { sourceElement, response } = event.detail.ctx ?? {};
    if (sourceElement !== form) return;
    if (response?.ok) saved = took; // not what was typed since
    else soon();
  });

  addEventListener("pagehide", () => {
    remember();
    save({ leaving: true });
  });
  document.addEventListener("visibilitychange", () => document.hidden && save({ leaving: true }));

  restore();
  field("turn").value = turn + 1;
}
