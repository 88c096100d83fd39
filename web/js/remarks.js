import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { placeOf } from "./places.js";

/**
 * What a node says of its work in words, such as how a picture file had to be read, stands on the node until it works again.
 * The host shows texts of its own nodes only, and words of progress until the run ends.
 */
const WIDGET = "art2mus remarks";
const LINE = 18;
const LETTERS = 38;

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
  Object.assign(element, { className: "art2mus-remarks", textContent: lines.join("\n") });
  const rows = lines.reduce((sum, line) => sum + Math.ceil(line.length / LETTERS), 0);
  const getMinHeight = () => LINE * Math.min(rows, 8) + 8;
  const options = { serialize: false, hideOnZoom: false, getMinHeight, hideInPanel: true };
  node.addDOMWidget(WIDGET, "ART2MUS_REMARKS", element, options).serialize = false;
  const [width, height] = node.computeSize();
  node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);
}

app.registerExtension({
  name: "art2mus.remarks",
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
