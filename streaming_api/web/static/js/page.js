// Small things every page's script needs: finding elements, icons, a line at the foot of the window, copying.

export const find = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** A drawing that the page keeps in a template. */
export const icon = (name) => document.getElementById(`icon-${name}`).content.firstElementChild.cloneNode(true);

/** A copy of a template's first element. */
export const stencil = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

/** Says something at the foot of the window for a while; screen readers hear it. */
export function toast(text, forMs = 5000) {
  const line = document.createElement("p");
  line.className = "toast";
  line.textContent = text;
  find(".toasts").append(line);
  setTimeout(() => line.remove(), forMs);
}

/** Copies an address; where the browser forbids that, shows it to be copied by hand. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Link copied");
  } catch (error) {
    console.warn("clipboard refused", error.name);
    toast(text, 15_000);
  }
}
