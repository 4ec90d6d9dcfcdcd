// Events on their way to the server: kept in IndexedDB until it has them, sent again after a break, a restart
// or a closed page. An event's id is made once, so that sending twice counts once. Knows nothing of players.

const NAME = "mcsp-events";
const STORE = "events";
const MOST = 200; // events in a request
const MOST_KEPT = 20_000; // events kept while nothing answers; then the oldest go
const LAST_WORDS_BYTES = 60_000; // what a browser lets a closing page send
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

export function createOutbox(address = "/v1/events") {
  const mine = new Map(); // this page's events that the server is not known to have: id → event
  const store = openStore();
  let most = MOST;
  let failures = 0;
  let timer = null;
  let busy = false;

  /** Keeps an event, gives it its id, and sends it soon. */
  async function add(event) {
    const whole = { event_id: newId(), client_time: new Date().toISOString(), ...event };
    mine.set(whole.event_id, whole);
    await (await store).put(whole);
    if (!failures) soon(0);
  }

  function soon(ms) {
    clearTimeout(timer);
    timer = setTimeout(() => send().catch((error) => console.error("events not sent", error)), ms);
  }

  /** One page at a time sends what all pages have kept. */
  async function send() {
    if (busy) return;
    busy = true;
    try {
      await alone(async () => { while (await sendSome()); });
    } finally {
      busy = false;
    }
    if (failures) soon(waitMs(failures));
    else if (mine.size) soon(FIRST_WAIT_MS); // another page sends them now: look whether it has
  }

  /** True where there may be more to send. */
  async function sendSome() {
    const before = [...mine.keys()];
    const kept = await (await store).oldest(most);
    if (!kept.length) {
      for (const id of before) mine.delete(id); // another page has sent them
      return false;
    }
    const answer = await post(kept);
    if (answer.ok) {
      failures = 0;
      most = MOST;
      await settle(kept);
      return true;
    }
    if (isOurFault(answer.status)) {
      // The request as such is refused: smaller ones find the event, which then goes alone.
      if (kept.length === 1) await settle(kept);
      most = Math.max(1, Math.floor(kept.length / 2));
      return true;
    }
    failures += 1;
    return false;
  }

  async function settle(events) {
    await (await store).remove(events.map((event) => event.event_id));
    for (const event of events) mine.delete(event.event_id);
  }

  const request = (events) => ({
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ sent_at: new Date().toISOString(), events }),
  });

  async function post(events) {
    try {
      return await fetch(address, request(events));
    } catch {
      return { ok: false, status: 0 }; // no connection: they stay, and are sent again
    }
  }

  /** The page goes away: what the server is not known to have is said once more, without waiting. */
  function lastWords() {
    const events = [...mine.values()].slice(-MOST);
    let said = request(events);
    while (events.length && new Blob([said.body]).size > LAST_WORDS_BYTES) {
      events.splice(0, Math.ceil(events.length / 4));
      said = request(events);
    }
    if (!events.length) return;
    const told = () => fetch(address, { ...said, keepalive: true }).then((answer) => answer.ok && settle(events));
    const beacon = () => navigator.sendBeacon(address, new Blob([said.body], { type: "application/json" }));
    told().catch(beacon);
  }

  addEventListener("pagehide", lastWords);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") lastWords(); });
  addEventListener("online", () => soon(0));
  soon(0); // what an earlier page left

  return { add };
}

const isOurFault = (status) => status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status);

/** Twice as long each time, a random part of it: not all players come back in the same moment. */
const waitMs = (failures) => Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);

const alone = (work) => (navigator.locks ? navigator.locks.request(NAME, { ifAvailable: true }, (lock) => lock && work()) : work());

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID(); // only where the page is secure
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The kept events, oldest first; in memory where the browser keeps nothing (some private windows). */
async function openStore() {
  try {
    return kept(await opened());
  } catch {
    return inMemory();
  }
}

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { autoIncrement: true }).createIndex("event_id", "event_id");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

function kept(database) {
  const act = (mode, work) => new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    const asked = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
  const removeKey = (store, key) => { if (key !== undefined) store.delete(key); };
  return {
    put: (event) => act("readwrite", (store) => {
      store.add(event);
      store.count().onsuccess = ({ target }) => {
        if (target.result <= MOST_KEPT) return;
        store.getAllKeys(null, 1).onsuccess = ({ target: first }) => removeKey(store, first.result[0]);
      };
    }),
    oldest: (count) => act("readonly", (store) => store.getAll(null, count)),
    remove: (ids) => act("readwrite", (store) => {
      for (const id of ids) store.index("event_id").getKey(id).onsuccess = ({ target }) => removeKey(store, target.result);
    }),
  };
}

function inMemory() {
  const events = new Map();
  return {
    put: async (event) => { events.set(event.event_id, event); },
    oldest: async (count) => [...events.values()].slice(0, count),
    remove: async (ids) => { for (const id of ids) events.delete(id); },
  };
}
