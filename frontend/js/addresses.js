// Where a link or an image of an email may lead. A merge field may be part of an address, or all of it.
const SAFE = /^(?:https?:\/\/|mailto:|tel:|sms:)./i;
const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
const RUNS = /^(?:javascript|vbscript|livescript|mocha|data):/i;
const MAILBOX = /^[^\s@/:]+@[^\s@/:]+\.[^\s@/:]+$/;
const DOMAIN = /^[\p{L}\d](?:[\p{L}\d.-]*\.)[\p{L}\d-]{2,}(?::\d+)?(?:[/?#]|$)/u;
const BEGIN = "Begin with https:// or mailto: instead.";
const FIELD = /\{\{.*?\}\}/g;

const packed = (text) => text.replace(/[\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028\u2029\ufeff]/g, "");
const hasBlanks = (text) => /\s/.test(text.replace(FIELD, ""));

/** { href } or { problem }. An address without a scheme gets the one that is meant. */
export function addressOfLink(typed) {
  const text = typed.trim();
  if (!text) return { problem: "Where does it lead? Type or paste an address." };
  if (RUNS.test(packed(text))) {
    return { problem: `“${SCHEME.exec(packed(text))[0]}” runs something instead of leading somewhere: mail programs take such links out. ${BEGIN}` };
  }
  if (hasBlanks(text)) return { problem: "An address has no blanks in it. Write %20 where one is meant." };
  if (text.startsWith("{{") || SAFE.test(text)) return { href: text };
  if (MAILBOX.test(text)) return { href: `mailto:${text}` };
  if (DOMAIN.test(text)) return { href: `https://${text}` };
  const scheme = SCHEME.exec(text);
  if (scheme) return { problem: `“${scheme[0]}” is nothing that mail programs open. ${BEGIN}` };
  return { problem: `This leads nowhere outside of your own site. ${BEGIN}` };
}

/** The same of an image: a mail program loads it over https, or not at all. */
export function addressOfImage(typed) {
  const text = typed.trim();
  if (!text) return { problem: "Where is it? Type or paste its address." };
  if (hasBlanks(text)) return { problem: "An address has no blanks in it. Write %20 where one is meant." };
  if (/^https:\/\/./i.test(text) || text.startsWith("{{")) return { href: text };
  return { problem: "An image needs an address that begins with https:// and that anybody can open." };
}
