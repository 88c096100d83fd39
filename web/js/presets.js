import { app } from "../../../scripts/app.js";

/** Nodes whose input `preset` is younger than they are; it comes last among their widgets. */
const NODES = new Set(["Art2MusSampler", "Art2MusArtworkToMusic"]);
const CUSTOM = "custom";

/** The widgets whose values a workflow stores, in its order. */
const stored = (node) => (node.widgets ?? []).filter((widget) => widget.serialize !== false);

/** A workflow that was saved before there were presets keeps its steps, guidance and solver. */
function keepSettings(node, /** @type {{widgets_values?: unknown[]}} */ saved) {
  const values = saved?.widgets_values;
  const index = stored(node).findIndex((widget) => widget.name === "preset");
  if (Array.isArray(values) && index >= values.length && values.length) stored(node)[index].value = CUSTOM;
}

app.registerExtension({
  name: "art2mus.presets",

  beforeRegisterNodeDef(nodeType, nodeData) {
    if (!NODES.has(nodeData.name)) return;
    const { onConfigure } = nodeType.prototype;
    nodeType.prototype.onConfigure = function (saved) {
      onConfigure?.apply(this, arguments);
      keepSettings(this, saved);
    };
  },
});
