// Uppy's S3 multipart plugin told to use our endpoints: /v1/uploads signs, S3 takes the bytes.

import { callAs } from "../session.js";
import { fitting } from "./line.js";

const FRESH_MS = 60 * 60 * 1000; // signed addresses live longer than this

/** @param {(fileId: string) => object} uploadOf the /v1/uploads answer that belongs to a file of Uppy */
export async function createUppy(uploadOf) {
  const { Uppy, AwsS3 } = await import("../../assets/uppy/uppy.min.mjs");
  const signed = new Map();
  const discarded = new Set();

  function note(upload, parts) {
    const at = Date.now();
    for (const { number, url } of parts) signed.set(`${upload.upload_id}/${number}`, { url, at });
  }

  async function signPart(file, { partNumber }) {
    const upload = uploadOf(file.id);
    const known = () => signed.get(`${upload.upload_id}/${partNumber}`);
    if (!known() || Date.now() - known().at > FRESH_MS) {
      const answer = await callAs("GET", `/v1/uploads/${upload.upload_id}/parts?from=${partNumber}`);
      note(upload, answer.parts);
    }
    return { url: known().url, method: "PUT", headers: {} };
  }

  const sizes = new WeakMap();
  const line = fitting((limit) => {
    const { requests } = uppy.getPlugin("AwsS3Multipart");
    requests.limit = limit;
    requests.resume(); // begins what the higher limit has room for
  });
  const uppy = new Uppy({ autoProceed: false, allowMultipleUploadBatches: true });
  uppy.use(AwsS3, {
    shouldUseMultipart: true,
    limit: line.limit(),
    uploadPartBytes: line.timed(AwsS3.uploadPartBytes),
    retryDelays: [0, 1000, 3000, 5000, 10_000, 20_000],
    getChunkSize: (data) => sizes.get(data),
    createMultipartUpload: async (file) => idsOf(uploadOf(file.id)),
    listParts: async (file) => {
      const { parts } = await callAs("GET", `/v1/uploads/${uploadOf(file.id).upload_id}`);
      return parts.map((part) => ({ PartNumber: part.number, Size: part.size, ETag: part.etag }));
    },
    signPart,
    completeMultipartUpload: async (file, { parts }) => {
      const named = parts.map(({ PartNumber, ETag }) => ({ number: PartNumber, etag: ETag }));
      await callAs("POST", `/v1/uploads/${uploadOf(file.id).upload_id}/complete`, { body: { parts: named } });
      return {};
    },
    // Uppy calls this after an error too; an upload is given up only when its person says so.
    abortMultipartUpload: async (file) => {
      if (discarded.has(file.id)) await callAs("DELETE", `/v1/uploads/${uploadOf(file.id).upload_id}`);
    },
  });

  return { uppy, note, sizes, discarded };
}

export const idsOf = (upload) => ({ uploadId: upload.upload_id, key: upload.upload_id });
