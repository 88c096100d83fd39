import { app } from "../../../scripts/app.js";

/** What the host's mask editor calls the pictures it saves. */
const MASKED = "clipspace-";

/**
 * The mask editor puts the picture it saved into a widget named `image`; on Load Artwork that widget is named `artwork`.
 * It also tells every node by its `images`, which is where this listens.
 */
function listen(node) {
  let images = node.images;
  Object.defineProperty(node, "images", {
    configurable: true,
    enumerable: true,
    get: () => images,
    set(value) {
      images = value;
      const { filename, subfolder, type = "input" } = value?.[0] ?? {};
      const artwork = node.widgets?.find((widget) => widget.name === "artwork");
      const path = subfolder ? `${subfolder}/${filename}` : filename;
      if (artwork && filename?.startsWith(MASKED)) artwork.value = `${path} [${type}]`;
    },
  });
}

app.registerExtension({
  name: "art2mus.masking",
  nodeCreated(node) {
    if (node.comfyClass === "Art2MusLoadArtwork") listen(node);
  },
});
