// Which window sends an upload: a Web Lock of the upload's name, which ends with its window. Where the browser
// has no locks, each window believes that it is alone.

const nameOf = (uploadId) => `mcsp-upload-${uploadId}`;

/** Takes an upload for this window; resolves to what gives it back, or to null where another window has it. */
export function claim(uploadId) {
  if (!navigator.locks) return Promise.resolve(() => null);
  return new Promise((settle, reject) => {
    const hold = (lock) => (lock ? new Promise((release) => settle(release)) : settle(null));
    navigator.locks.request(nameOf(uploadId), { ifAvailable: true }, hold).catch(reject);
  });
}

/** Whether another window has it; asked only about what this one has not claimed. */
export async function taken(uploadId) {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name === nameOf(uploadId));
}

/** Resolves once no window has it. */
export const untilFree = (uploadId) => navigator.locks.request(nameOf(uploadId), { mode: "shared" }, () => null);
