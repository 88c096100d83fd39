import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { placeOf } from "./places.js";

/**
 * Shows a node's messages, such as notes on a damaged picture file, on the node until its next run. The host shows such texts
 * for its own nodes only, and progress texts only during a run.
 */
const WIDGET = "art2mus notes";
const LINE_HEIGHT = 18;
const LINE_LENGTH = 38;

const nodeOf = (/** @type {unknown} */ key) => {
  const { node } = placeOf(String(key));
  return node?.comfyClass?.startsWith("Art2Mus") && node.addDOMWidget ? node : undefined;
};

function clear(node) {
  const widget = node.widgets?.find(({ name }) => name === WIDGET);
  if (!widget) return;
  widget.onRemove?.();
  node.widgets.splice(node.widgets.indexOf(widget), 1);
}

function show(node, /** @type {string[]} */ lines) {
  clear(node);
  const element = document.createElement("p");
  Object.assign(element, { className: "art2mus-notes", textContent: lines.join("\n") });
  const rows = lines.reduce((sum, line) => sum + Math.ceil(line.length / LINE_LENGTH), 0);
  const getMinHeight = () => LINE_HEIGHT * Math.min(rows, 8) + 8;
  const options = { serialize: false, hideOnZoom: false, getMinHeight, hideInPanel: true };
  node.addDOMWidget(WIDGET, "ART2MUS_NOTES", element, options).serialize = false;
  const [width, height] = node.computeSize();
  node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);
}

app.registerExtension({
  name: "art2mus.notes",
  setup() {
    api.addEventListener("executing", ({ detail }) => {
      const node = detail == null ? undefined : nodeOf(detail);
      if (node) clear(node);
    });
    api.addEventListener("executed", ({ detail }) => {
      const node = nodeOf(detail.display_node ?? detail.node);
      if (node && detail.output?.text?.length) show(node, detail.output.text);
    });
  },
});
