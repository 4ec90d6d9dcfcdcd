// Log in, or create an account: one form with two modes.

import { all, find } from "../page.js";
import { login, register } from "../session.js";

const MODES = {
  login: { submit: "Log in", password: "current-password" },
  register: { submit: "Create account", password: "new-password" },
};

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
    submit.textContent = MODES[mode].submit;
    say("");
  }

  function say(text, field = null) {
    problem.textContent = text;
    problem.hidden = !text;
    for (const input of all(".input", form)) input.removeAttribute("aria-invalid");
    if (!field) return;
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }

  async function onSubmit(event) {
    event.preventDefault();
    const { email, password, display_name } = form;
    if (!email.validity.valid) return say("Please enter an email address, such as name@example.org.", email);
    if (!password.value) return say("Please enter your password.", password);
    if (mode === "register" && !display_name.value.trim()) return say("Please enter the name that others see.", display_name);
    submit.disabled = true;
    try {
      if (mode === "login") await login(email.value, password.value);
      else await register(email.value, password.value, display_name.value.trim());
      password.value = "";
      await enter();
    } catch (error) {
      say([error.message, error.action].filter(Boolean).join(" "));
    } finally {
      submit.disabled = false;
    }
  }

  for (const button of all("[data-mode]", form)) button.addEventListener("click", () => choose(button.dataset.mode));
  form.addEventListener("submit", onSubmit);
}
