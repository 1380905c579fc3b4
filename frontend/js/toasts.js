// A toast from <template id="toast">. Its words are set as text: they may quote what people typed.
export function toast(message) {
  const toaster = document.querySelector("#toaster");
  if ([...toaster.querySelectorAll(".toast:not([aria-hidden=true]) h2")].some((title) => title.textContent === message)) return;
  const element = document.querySelector("template#toast").content.firstElementChild.cloneNode(true);
  element.setAttribute("role", "alert");
  element.dataset.category = "error";
  element.querySelector("h2").textContent = message;
  toaster.append(element); // Basecoat sees it and takes it away again
}
