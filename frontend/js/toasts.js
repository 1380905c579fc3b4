// A toast from <template id="toast">. Its words are set as text: they may quote what people typed.
const LOOK_MS = 20_000;

// `look`: { path, label } of a page where the reader can see what came of it.
export function toast(message, look = null, tone = "error") {
  const toaster = document.querySelector("#toaster");
  if ([...toaster.querySelectorAll(".toast:not([aria-hidden=true]) h2")].some((title) => title.textContent === message)) return;
  const element = document.querySelector("template#toast").content.firstElementChild.cloneNode(true);
  element.setAttribute("role", tone === "error" ? "alert" : "status");
  element.dataset.category = tone;
  element.querySelector("h2").textContent = message;
  const link = element.querySelector("a");
  if (look) {
    element.dataset.duration = LOOK_MS; // long enough to get there
    link.href = look.path;
    link.textContent = look.label;
  } else link.remove();
  toaster.append(element); // Basecoat sees it and takes it away again
}
