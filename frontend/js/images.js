// Images in the text are files of their draft, which HTML shows by `cid:` and a name that is made
// here. So one stands in the text at once, and is sent to the server behind it, one after the other.
import { toast } from "./toasts.js";

const KINDS = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const WIDEST = 600; // pixels: what most mail programs have room for
const ID_OCTETS = 16;
const NOT_KEPT = "the server did not answer";

export const isImage = (file) => KINDS.includes(file.type);
export const imagesIn = (transfer) => [...(transfer?.files ?? [])].filter(isImage);
export const nameIn = (src) => /^cid:([\w.-]+)$/i.exec(src ?? "")?.[1];

const newName = () => [...crypto.getRandomValues(new Uint8Array(ID_OCTETS))].map((octet) => octet.toString(16).padStart(2, "0")).join("");

/** What an image is called, as far as that tells what it shows: what a clipboard holds is "image.png". */
const said = (file) => (/^image\.\w+$/i.test(file.name) ? "" : file.name.replace(/\.\w+$/, "").replace(/[_-]+/g, " ").trim());

async function widthOf(file) {
  try {
    const { width } = await createImageBitmap(file);
    return String(Math.min(width, WIDEST));
  } catch {
    return null; // the server says what is wrong with it
  }
}

/** The images of the text below `root`, which says where they are kept; `onLost(name)`: one is not. */
export function imagesOf(root, onLost) {
  const place = root.dataset.images;
  const form = root.closest("form");
  const underWay = new Map(); // name: whether it has arrived, once that is known
  let last = Promise.resolve();
  let listed = ""; // the names that the list of files goes by

  /** Its name in the text, where it is to stand before anything else happens. */
  function keep(file) {
    const name = newName();
    const lost = (why) => {
      toast(`“${file.name}” was not put in: ${why.message}.`);
      onLost(name);
    };
    last = last.then(() => send(file, name)).catch(lost).finally(() => underWay.delete(name));
    underWay.set(name, last);
    return name;
  }

  // All that is typed goes along: of a draft that is not stored yet it makes one.
  async function send(file, name) {
    const body = new FormData(form);
    for (const other of ["file", "attached"]) body.delete(other);
    body.set("image", file, file.name);
    body.set("content_id", name);
    form.dispatchEvent(new CustomEvent("draft:asks"));
    const told = await answered(body);
    form.dispatchEvent(new CustomEvent("draft:kept", { detail: told }));
    list();
  }

  async function answered(body) {
    const token = document.querySelector('meta[name="csrf-token"]').content;
    const headers = { "X-CSRF-Token": token, "HX-Request": "true", "HX-Current-URL": location.href };
    const answer = await fetch(place, { method: "POST", body, headers }).catch(() => null);
    if (answer?.headers.get("HX-Redirect")) throw new Error("you were signed out");
    const isJson = answer?.headers.get("Content-Type")?.startsWith("application/json");
    const told = isJson ? await answer.json() : {};
    if (!answer?.ok) throw new Error(told.problem ?? NOT_KEPT);
    return told;
  }

  /** Hands to `insert` what the text is to have: the address, a description, and how wide it is. */
  async function put(file, insert, alt = said(file)) {
    const width = await widthOf(file);
    insert({ src: `cid:${keep(file)}`, alt, width });
  }

  const shown = () => [...form.elements.namedItem("body").value.matchAll(/cid:[\w.-]+/gi)].map(String).sort().join();
  function list() {
    listed = shown();
    document.body.dispatchEvent(new CustomEvent("images"));
  }
  form.addEventListener("draft:saved", () => shown() !== listed && list());
  listed = shown();

  // What is sent off takes its images along.
  document.addEventListener(
    "submit",
    async (event) => {
      if (!underWay.size || event.target.method !== "post") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      await last;
      event.target.requestSubmit(event.submitter);
    },
    true,
  );

  return {
    keep,
    put,
    addressOf: (name) => `${place}/${name}`,
    settled: () => last, // none is under way any more
    arrival: (name) => underWay.get(name) ?? Promise.resolve(),
  };
}
