// Live parts ask for themselves every two seconds: [data-live] with hx-trigger="every 2s, live:now".
const isPoll = (event) => event.detail.ctx.sourceEvent?.type === "every";
const normalised = (address) => new URL(address, location.href).href;

// Nobody looks at a hidden tab.
document.addEventListener("htmx:config:request", (event) => {
  if (isPoll(event) && document.hidden) event.preventDefault();
});

// On the way back, do not make the reader wait for the next tick.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const part of document.querySelectorAll("[data-live]")) {
    part.dispatchEvent(new Event("live:now"));
  }
});

// The reader may have moved on (another tab, a search) while this answer was on its way.
document.addEventListener("htmx:before:swap", (event) => {
  if (!isPoll(event)) return;
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
