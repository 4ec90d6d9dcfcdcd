// Is this the file that was interrupted? Name and size are the server's; a digest of the file's beginning and
// end is remembered here, in this browser, so that another file of the same name and size is noticed.

const KEY = "mcsp.files";
const EDGE = 64 * 1024;

export async function fingerprint(file) {
  const edges = await new Blob([file.slice(0, EDGE), file.slice(-EDGE)]).arrayBuffer();
  const digest = await crypto.subtle.digest("SHA-256", edges);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const all = () => JSON.parse(localStorage.getItem(KEY) ?? "{}");

export function remember(uploadId, print) {
  localStorage.setItem(KEY, JSON.stringify({ ...all(), [uploadId]: print }));
}

export function forget(uploadId) {
  const { [uploadId]: _gone, ...rest } = all();
  localStorage.setItem(KEY, JSON.stringify(rest));
}

/** False only where something is known to differ. */
export async function same(upload, file) {
  if (upload.size !== file.size || upload.filename !== file.name) return false;
  const print = all()[upload.upload_id];
  return !print || print === (await fingerprint(file));
}
