// Notices of the browser, for whoever chose some in the settings. What is so comes with the sidebar,
// which asks for itself anyway (live.js lets it go on in a hidden tab); this tells what is new of it.
import { toast } from "./toasts.js";

const EVERY_MS = 60_000; // counts that grow: told together, once a minute
const nav = () => document.querySelector("#nav[data-notices]");
const mayTell = () => "Notification" in window && Notification.permission === "granted";

// Chosen no more: what comes later is not news against what was so then.
if (document.querySelector("#nav") && !nav()) {
  for (const place of Object.keys(localStorage)) if (place.startsWith("notices ")) localStorage.removeItem(place);
}

// One tab at a time: each reads what was told before, and writes it down before it tells.
function look() {
  const said = nav()?.dataset.notices;
  if (!said || said === "null" || !mayTell()) return;
  const now = JSON.parse(said);
  navigator.locks.request("notices", () => {
    for (const { notice, more } of news(now)) tell(notice, more);
  });
}

function news(now) {
  const place = `notices ${nav()?.dataset.of}`;
  const before = JSON.parse(localStorage.getItem(place) ?? "null");
  const kept = {};
  const found = [];
  for (const notice of now) {
    const known = before?.[notice.key];
    const at = Date.now();
    if (notice.count === null) {
      kept[notice.key] = 1;
      if (before && !known) found.push({ notice });
    } else if (!known || notice.count <= known.count) {
      kept[notice.key] = { count: notice.count, at: known?.at ?? 0 };
    } else if (at - known.at < EVERY_MS) {
      kept[notice.key] = known;
    } else {
      kept[notice.key] = { count: notice.count, at };
      found.push({ notice, more: notice.count - known.count });
    }
  }
  localStorage.setItem(place, JSON.stringify(kept));
  return found;
}

function tell({ key, title, text, href }, more) {
  const said = more ? `${more.toLocaleString("en")} ${more === 1 ? "email" : "emails"} ${title}` : title;
  try {
    const notice = new Notification(said, { body: text, tag: key });
    notice.onclick = () => {
      window.focus();
      notice.close();
      location.assign(href);
    };
  } catch {
    toast(said, { path: href, label: "Look" }, "info"); // phones want a worker for it
  }
}

document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx.sourceElement?.id === "nav") look();
});

// Nothing else is so; but a count that grew may have waited for its minute.
document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement, response } = event.detail.ctx;
  if (sourceElement?.id === "nav" && response.status === 304) look();
});

// The settings: what this browser allows, and the button that asks for it.
const WORDS = {
  granted: "This browser shows them, while a tab with Paceline is open.",
  denied: "This browser blocks them: allow notifications for this site in its own settings.",
  default: "This browser has not been asked yet.",
};

function show(panel) {
  const state = "Notification" in window ? Notification.permission : null;
  panel.querySelector("[data-notices-state]").textContent = WORDS[state] ?? "This browser cannot show any.";
  panel.querySelector("[data-notices-allow]").hidden = state !== "default";
}

for (const panel of document.querySelectorAll("[data-notices-panel]")) {
  show(panel);
  panel.querySelector("[data-notices-allow]").addEventListener("click", async () => {
    await Notification.requestPermission();
    show(panel);
  });
}
