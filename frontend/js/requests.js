// What every htmx request shares: the CSRF token, the bar at the top while it takes long, and a
// toast when it fails.
import { toast } from "./toasts.js";

const BAR_DELAY_MS = 150; // an answer faster than this needs no bar
const LOST = "The server did not answer.";
const BROKEN = "Something broke on the server.";
const TRY_AGAIN = "Try again in a moment.";
// Nobody knows what became of a write whose answer was lost, so nobody says.
const MAY_BE_DONE =
  "What you sent may have been carried out all the same: look before you send it again.";
const SAFE_TO_REPEAT =
  "What you sent may have been carried out all the same. You can look, or send it again: it will not be done twice.";
const CAMPAIGNS = { path: "/campaigns", label: "Look under Campaigns" };

let pending = 0;
let timer;

document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]');
  if (token) event.detail.ctx.request.headers["X-CSRF-Token"] = token.content;
});

// Live parts ask all the time; a bar or a toast for each would never rest.
function isQuiet(event) {
  return Boolean(event.detail.ctx?.sourceElement?.closest("[data-quiet]"));
}

function showBar(visible) {
  document.querySelector("#busy")?.classList.toggle("on", visible);
}

document.addEventListener("htmx:before:request", (event) => {
  if (isQuiet(event)) return;
  pending += 1;
  clearTimeout(timer);
  timer = setTimeout(() => pending > 0 && showBar(true), BAR_DELAY_MS);
});

document.addEventListener("htmx:finally:request", (event) => {
  if (isQuiet(event)) return;
  pending = Math.max(0, pending - 1);
  if (pending > 0) return;
  clearTimeout(timer);
  showBar(false);
});

document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx && !isQuiet(event)) tell(LOST, event.detail.ctx);
});

document.addEventListener("htmx:response:error", (event) => {
  const { response, hx } = event.detail.ctx;
  if (response.status >= 500 && !hx.trigger && !isQuiet(event)) tell(BROKEN, event.detail.ctx);
});

// The server's own words: HX-Trigger: {"toast": {"message": …}}.
document.addEventListener("toast", (event) => {
  toast(event.detail.message, event.detail.look, event.detail.tone);
});

function tell(what, { sourceElement }) {
  const form = sourceElement instanceof HTMLFormElement && sourceElement.method === "post" ? sourceElement : null;
  if (!form) return toast(`${what} ${TRY_AGAIN}`);
  const known = form.elements.namedItem("once") ? SAFE_TO_REPEAT : MAY_BE_DONE;
  return toast(`${what} ${known}`, form.id === "schedule" ? CAMPAIGNS : null);
}
