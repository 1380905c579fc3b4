import { toast } from "./toasts.js";

// Live parts ask for themselves every two or three seconds: [data-live] with hx-trigger="every …, live:now".
// They say what they show (If-None-Match), and are answered 304 while it still holds (web/kept.py).
const isPoll = (event) => event.detail.ctx.sourceEvent?.type === "every";
const isLive = (event) => event.detail.ctx.sourceElement?.matches("[data-live]");
const normalised = (address) => new URL(address, location.href).href;
const NOTHING_SHOWN = '"none"';
const SIGNED_OUT = "You were signed out. What stands on this page stays here.";

// Each live part, with the address and the tag of what it shows.
let shown = new WeakMap();

// Nobody looks at a hidden tab; one that tells of news (notices.js) asks for that alone.
const tells = (part) => part.matches("[data-notices]") && window.Notification?.permission === "granted";

// The sidebar comes along with the page's own part, where that brings it.
const comesAlong = (part) => part.id === "nav" && document.querySelector("[data-brings-nav]");

document.addEventListener("htmx:config:request", (event) => {
  if (!isPoll(event)) return;
  const part = event.detail.ctx.sourceElement;
  if (document.hidden ? !tells(part) : comesAlong(part)) event.preventDefault();
});

// Signed out, elsewhere or by time: the page says so and asks no more by itself, until somebody comes
// back to it. It leads nowhere: what is typed on it may be nowhere else.
let isSignedOut = false;

document.addEventListener("htmx:config:request", (event) => {
  if (isSignedOut && isPoll(event)) event.preventDefault();
});

document.addEventListener("htmx:after:request", (event) => {
  const { response } = event.detail.ctx;
  if (!isLive(event)) return;
  const was = isSignedOut;
  isSignedOut = response.status === 401;
  document.documentElement.classList.toggle("pl-signed-out", isSignedOut);
  if (isSignedOut && !was) toast(SIGNED_OUT, { path: response.headers.get("X-Sign-In"), label: "Sign in again" });
});

document.addEventListener("htmx:config:request", (event) => {
  if (!isLive(event)) return;
  const { sourceElement, request } = event.detail.ctx;
  const last = shown.get(sourceElement);
  const isSame = last?.address === normalised(request.action);
  request.headers["If-None-Match"] = isSame ? last.tag : NOTHING_SHOWN;
});

document.addEventListener("htmx:after:swap", (event) => {
  const { sourceElement, request, response } = event.detail.ctx;
  if (!isLive(event) || !response) {
    shown = new WeakMap(); // the reader did something: nobody knows any more what is shown where
    return;
  }
  tellTime(response);
  shown.set(sourceElement, {
    address: normalised(request.action),
    tag: response.headers.get("ETag") ?? NOTHING_SHOWN,
  });
});

// Still so: nothing is swapped, and the time of the last answer is all that moves.
document.addEventListener("htmx:after:request", (event) => {
  const { response } = event.detail.ctx;
  if (response.status === 304) tellTime(response);
});

function tellTime({ headers }) {
  const place = document.querySelector("#live-time");
  if (!place) return;
  const clock = { timeZone: place.dataset.zone, timeStyle: "medium", hourCycle: "h23" };
  place.textContent = new Date(headers.get("Date")).toLocaleTimeString("en-GB", clock);
}

// On the way back, do not make the reader wait for the next tick.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const part of document.querySelectorAll("[data-live]")) {
    part.dispatchEvent(new Event("live:now"));
  }
});

// The reader may have moved on (another tab, a search) while this answer was on its way.
document.addEventListener("htmx:before:swap", (event) => {
  if (!isLive(event)) return;
  const { sourceElement, request } = event.detail.ctx;
  const wanted = sourceElement.getAttribute("hx-get");
  if (!wanted || normalised(wanted) !== normalised(request.action)) event.preventDefault();
});

// Say so while the server is out of reach (app.css shows it), and take it back.
const markConnection = (lost) => document.documentElement.classList.toggle("pl-offline", lost);

document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx && isPoll(event)) markConnection(true);
});
document.addEventListener("htmx:after:request", (event) => {
  markConnection(event.detail.ctx.response.status >= 500);
});
