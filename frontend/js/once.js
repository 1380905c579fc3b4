// A form is sent once. While it is under way its button is out of order, Enter included; the server
// holds to it without this file, by the form's token (src/paceline/web/once.py).
const GIVE_UP_MS = 30_000; // a page that was stopped while it loaded tells nobody; the token protects

const isWrite = (form) => form instanceof HTMLFormElement && form.method === "post";
const buttonsOf = (form) =>
  [...form.elements].filter((element) => element.type === "submit" && !element.disabled);
const underWay = new Map(); // form: what takes it back

// A button that is out of order is not sent along: what it says is kept beside it.
function kept(submitter) {
  const field = Object.assign(document.createElement("input"), { type: "hidden" });
  field.name = submitter.name;
  field.value = submitter.value;
  submitter.after(field);
  return () => field.remove();
}

function start(form, submitter) {
  const said = submitter?.name ? [kept(submitter)] : [];
  const buttons = buttonsOf(form).map((button) => {
    const isIt = !submitter || button === submitter; // one of several says what is under way
    const label = isIt && button.dataset.busy && (button.querySelector("span") ?? button);
    const before = label?.textContent;
    if (label) label.textContent = button.dataset.busy;
    const hadFocus = document.activeElement === button;
    button.disabled = true;
    return () => {
      button.disabled = false;
      if (hadFocus && document.activeElement === document.body) button.focus();
      // A morph may have brought another label meanwhile.
      if (label && label.textContent === button.dataset.busy) label.textContent = before;
    };
  });
  const timer = setTimeout(() => end(form), GIVE_UP_MS);
  underWay.set(form, () => {
    clearTimeout(timer);
    for (const restore of [...buttons, ...said]) restore();
  });
}

function end(form) {
  underWay.get(form)?.();
  underWay.delete(form);
}

// Before anybody else hears of it, htmx included.
document.addEventListener(
  "submit",
  (event) => {
    if (!underWay.has(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);

// After everybody else: a confirmation may have stopped it, and htmx takes over what is its own.
document.addEventListener("submit", (event) => {
  if (isWrite(event.target) && !event.defaultPrevented) start(event.target, event.submitter);
});

const formOf = (event) => event.detail.ctx?.sourceElement;

document.addEventListener("htmx:before:request", (event) => {
  if (isWrite(formOf(event))) start(formOf(event));
});
document.addEventListener("htmx:finally:request", (event) => {
  const form = formOf(event);
  if (!isWrite(form)) return;
  // On the way to the next page it stays as it is.
  if (event.detail.ctx.response?.headers?.get("HX-Redirect")) return;
  end(form);
});

// Back to a page that the browser kept: it is as it was left, button and all.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of [...underWay.keys()]) end(form);
});

// Back to a page that is loaded anew, with the fields as they were typed: it is the same form, so it
// keeps its token. What it was used for is not done again by accident.
const tokens = () => [...document.querySelectorAll("form[method=post] input[name=once][data-kept]")];
const placeOf = (input) => new URL(input.form.action, location.href).pathname;

function restore() {
  const [entry] = performance.getEntriesByType("navigation");
  const kept = entry?.type === "back_forward" ? history.state?.once : null;
  for (const input of tokens()) input.value = kept?.[placeOf(input)] ?? input.value;
}

function keep() {
  const here = Object.fromEntries(tokens().map((input) => [placeOf(input), input.value]));
  if (Object.keys(here).length) history.replaceState({ ...history.state, once: here }, "");
}

restore();
keep();
document.addEventListener("htmx:after:swap", keep); // its first swap writes a state of its own
