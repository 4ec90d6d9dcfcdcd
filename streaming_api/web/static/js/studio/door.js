// Log in, or create an account: one form with two modes.

import { told } from "../api.js";
import { all, find } from "../page.js";
import { login, register } from "../session.js";

const MODES = {
  login: { submit: "Log in", password: "current-password" },
  register: { submit: "Create account", password: "new-password" },
};

const NAMES = { email: "The email", password: "A password", display_name: "The name" };
const PASSWORD_MIN = 8;

export function openDoor(enter) {
  const form = find("[data-account]");
  const problem = find("[data-account-problem]");
  const submit = find("[data-account-submit]");
  let mode = "login";

  function choose(next) {
    mode = next;
    for (const button of all("[data-mode]", form)) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    for (const part of all('[data-only="register"]', form)) part.hidden = mode !== "register";
    form.password.autocomplete = MODES[mode].password;
    form.password.minLength = mode === "register" ? PASSWORD_MIN : 0;
    submit.textContent = MODES[mode].submit;
    say("");
  }

  function say(text, field = null) {
    problem.textContent = text;
    problem.hidden = !text;
    for (const input of all(".input", form)) {
      input.removeAttribute("aria-invalid");
      if (input.dataset.hint) input.setAttribute("aria-describedby", input.dataset.hint);
      else input.removeAttribute("aria-describedby");
    }
    if (!field) return;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${problem.id} ${field.dataset.hint ?? ""}`.trim());
    field.focus();
  }

  /** A refusal in the form's own words, at the first field that it names. */
  function refuse(error) {
    const mine = (error.errors ?? []).filter(({ field }) => form.elements[field]);
    if (mine.length === 0) return say(told(error));
    const sentences = mine.map((one) => one.message.replace(`“${one.field}”`, NAMES[one.field] ?? one.field));
    return say(sentences.join(" "), form.elements[mine[0].field]);
  }

  async function onSubmit(event) {
    event.preventDefault();
    const { email, password, display_name } = form;
    if (!email.validity.valid) return say("Please enter an email address, such as name@example.org.", email);
    if (!password.value) return say("Please enter your password.", password);
    if (mode === "register" && !display_name.value.trim()) return say("Please enter your name.", display_name);
    if (mode === "register" && [...password.value].length < PASSWORD_MIN) return say(`A password needs at least ${PASSWORD_MIN} characters.`, password);
    submit.disabled = true;
    try {
      if (mode === "login") await login(email.value, password.value);
      else await register(email.value, password.value, display_name.value.trim());
      password.value = "";
      await enter();
    } catch (error) {
      refuse(error);
    } finally {
      submit.disabled = false;
    }
  }

  for (const button of all("[data-mode]", form)) button.addEventListener("click", () => choose(button.dataset.mode));
  form.addEventListener("submit", onSubmit);
}
