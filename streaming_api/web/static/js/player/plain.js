// Errors of the player in plain words, each with what helps.

import { told } from "../api.js";

const { NETWORK, MEDIA, MANIFEST, STREAMING, DRM } = { NETWORK: 1, MEDIA: 3, MANIFEST: 4, STREAMING: 5, DRM: 6 };

/** @returns {{heading: string, text: string, again: boolean}} */
export function plainly(error) {
  if (error?.status === 404) return { heading: "This item is gone", text: "It was deleted, or it is no longer shared with you.", again: false };
  if (error?.status === 409) return { heading: "Not ready yet", text: "There is nothing to play so far. It starts here once there is.", again: true };
  switch (error?.category) {
    case NETWORK:
      return { heading: "The connection broke off", text: "Check your network. It goes on where it stopped.", again: true };
    case MEDIA:
    case DRM:
      return { heading: "This browser cannot play it", text: "Try another browser, or update this one. The item itself is fine.", again: true };
    case MANIFEST:
    case STREAMING:
      return { heading: "The list of parts could not be read", text: "Usually it works a moment later.", again: true };
    default:
      return { heading: "It could not be played", text: error?.status !== undefined ? told(error) : "Load the page again. If it stays, try another browser.", again: true };
  }
}

export const unsupported = {
  heading: "This browser is too old to play here",
  text: "It lacks Media Source Extensions. Any current Firefox, Chrome, Edge or Safari has them.",
  again: false,
};
