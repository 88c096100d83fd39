import { app } from "../../../scripts/app.js";

/** Prefix of the files that the host's mask editor saves. */
const MASKED = "clipspace-";

/**
 * The mask editor sets the widget `image` to the file it saved; on Load Artwork that widget is called `artwork`.
 * It also sets the property `images` of every node, which is observed here.
 */
function observeImages(node) {
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
    if (node.comfyClass === "Art2MusLoadArtwork") observeImages(node);
  },
});
