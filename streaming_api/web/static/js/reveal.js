// On the 404 page: what is not there for everyone may be there for its owner. Page requests carry no token,
// so the same address is asked for again with the one in memory, and its content takes this page's place.

import { find } from "./page.js";
import { token, whenOver } from "./session.js";

async function reveal() {
  const access = await token();
  if (!access) return;
  const answer = await fetch(location.pathname, { headers: { Authorization: `Bearer ${access}`, Accept: "text/html" } });
  if (!answer.ok) return;
  const other = new DOMParser().parseFromString(await answer.text(), "text/html");
  whenOver(() => {
    find("#main").remove();
    location.reload();
  });
  document.title = other.title;
  for (const sheet of other.querySelectorAll('link[rel="stylesheet"]')) await addSheet(sheet.getAttribute("href"));
  find("#main").replaceWith(document.importNode(find("#main", other), true));
  for (const script of other.querySelectorAll("script[src]")) await addScript(script);
}

function addSheet(href) {
  if (find(`link[href="${CSS.escape(href)}"]`)) return null;
  return settled(Object.assign(document.createElement("link"), { rel: "stylesheet", href }), document.head);
}

function addScript(source) {
  const script = Object.assign(document.createElement("script"), { src: source.getAttribute("src") });
  if (source.type) script.type = source.type;
  return settled(script, document.body);
}

const settled = (element, parent) =>
  new Promise((resolve, reject) => {
    element.onload = resolve;
    element.onerror = reject;
    parent.append(element);
  });

if (find("[data-reveal]")) await reveal();
