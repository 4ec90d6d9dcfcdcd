// Server-sent events (WHATWG HTML, 9.2) over fetch, because EventSource cannot send a bearer token.

import { token } from "../session.js";

const AGAIN_MS = 2000;
const PATH = "/v1/media/events";

/** Follows for as long as the page lives; after a break the list is read anew. */
export async function follow({ onChange, onBreak, say }) {
  for (;;) {
    try {
      const access = await token();
      if (!access) return;
      const answer = await fetch(PATH, { headers: { Authorization: `Bearer ${access}`, Accept: "text/event-stream" } });
      if (answer.ok) {
        say("");
        await read(answer.body, onChange);
      }
    } catch (error) {
      console.info("live state broke off", error.message);
    }
    if (document.visibilityState === "visible") say("Reconnecting…");
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    await onBreak().catch((error) => say(error.message));
  }
}

async function read(body, onChange) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
      if (data) onChange(JSON.parse(data));
    }
  }
}
