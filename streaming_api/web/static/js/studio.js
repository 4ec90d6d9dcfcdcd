// The studio: either the door (log in, create an account) or the room (uploads and items).

import { told } from "./api.js";
import { find, toast } from "./page.js";
import { callAs, logout, mayBeSignedIn, token, whenOver } from "./session.js";
import { openDoor } from "./studio/door.js";
import { items } from "./studio/items.js";
import { follow } from "./studio/live.js";
import { uploads } from "./studio/uploads.js";

const door = find("[data-door]");
const room = find("[data-room]");

async function enter() {
  const me = await callAs("GET", "/v1/me");
  find("[data-name]").textContent = me.display_name || me.email || "";
  door.hidden = true;
  room.hidden = false;
  const list = items();
  const sending = uploads({ onItem: (mediaId) => list.refresh(mediaId) });
  await Promise.all([list.first(), sending.interrupted()]);
  const onChange = (item) => {
    list.change(item);
    if (item.status === "deleted") sending.deleted(item.media_id);
  };
  follow({ onChange, onBreak: list.first, say: (text) => { find("[data-live]").textContent = text; } });
}

find("[data-logout]").addEventListener("click", async () => {
  try {
    await logout();
    location.reload();
  } catch (error) {
    toast(`You are still logged in. ${told(error)}`);
  }
});

whenOver(() => {
  if (room.hidden) return;
  room.remove();
  location.reload();
});

async function begin() {
  if (mayBeSignedIn() && (await token())) return enter();
  door.hidden = false;
  return openDoor(enter);
}

begin().catch((error) => {
  door.hidden = false;
  const problem = find("[data-account-problem]");
  problem.textContent = told(error);
  problem.hidden = false;
  openDoor(enter);
});
