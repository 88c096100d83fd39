import { app } from "../../../scripts/app.js";

/** Names of samples in version 0.1. */
const OLD = /^Sample: (.+)$/;

/** Replace an old name in a saved graph by the new one. */
function rename(node) {
  const artwork = node.widgets?.find((widget) => widget.name === "artwork");
  if (typeof artwork?.value === "string") artwork.value = artwork.value.replace(OLD, "$1 (sample)");
}

app.registerExtension({
  name: "art2mus.samples",
  nodeCreated(node) {
    if (node.comfyClass !== "Art2MusLoadArtwork") return;
    const { onConfigure } = node;
    node.onConfigure = function () {
      rename(this);
      return onConfigure?.apply(this, arguments);
    };
  },
});
