import { app } from "../../../scripts/app.js";

/** What version 0.1 called samples, of which a narrow list showed `Sample:` alone. */
const OLD = /^Sample: (.+)$/;

/** Graphs that were saved with such a name show the sample by its new one. */
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
