import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { lastOutputs, noteOpen, whenLoaded } from "./history.js";
import { placeOf } from "./places.js";
import { Player } from "./player.js";
import { loadTexts, textsOf } from "./texts.js";

/**
 * A node's output as the server sends it; both lists have one entry for each piece.
 * @typedef {{filename: string, subfolder?: string, type?: string}} ResultFile
 * @typedef {{audio?: ResultFile[], art2mus?: {spectrogram?: ResultFile, seconds?: number, artwork?: string}[]}} Output
 */

const NODES = new Set(["Art2MusSaveAudio", "Art2MusPreviewMusic"]);
const HEIGHT = 240;

/** Keeps the player out of the panel of parameters: `surfaces` for the newest front ends, `hideInPanel` for older ones. */
const SURFACES = { surfaces: { canvas: "shown", vueNode: "shown", panel: "never" }, hideInPanel: true };

/** @type {WeakMap<object, Map<string, Player>>} by node and by name of the widget */
const players = new WeakMap();

let warned = false;

/** An error here disables the player, but never breaks the graph. */
function guarded(/** @type {() => void} */ work) {
  try {
    work();
  } catch (error) {
    if (!warned) console.warn("Art2Mus: could not show the player.", error);
    warned = true;
  }
}

function address(/** @type {ResultFile} */ { filename, subfolder = "", type = "output" }) {
  const query = new URLSearchParams({ filename, subfolder, type });
  return api.apiURL(`/view?${query}${app.getRandParam?.() ?? ""}`);
}

/**
 * @param {Output} output
 * @returns {import("./player.js").Piece[]}
 */
const piecesOf = (output) =>
  (output?.audio ?? []).map((file, index) => {
    const { spectrogram, seconds, artwork } = output.art2mus?.[index] ?? {};
    const name = file.type === "temp" ? undefined : file.filename; // names of temporary files are random
    return { audio: address(file), spectrogram: spectrogram && address(spectrogram), seconds, name, artwork };
  });

/** The host requires a widget named audioUI on every node with audio output. */
function playerOn(node, widget = "audioUI") {
  if (!players.has(node)) players.set(node, new Map());
  const own = players.get(node);
  if (!own.has(widget)) {
    const player = new Player(textsOf(app.ui.settings.getSettingValue("Comfy.Locale")));
    const options = { serialize: false, hideOnZoom: false, getMinHeight: () => HEIGHT, ...SURFACES };
    node.addDOMWidget(widget, "ART2MUS_PLAYER", player.element, options).serialize = false;
    own.set(widget, player);
  }
  return own.get(widget);
}

/** @param {Output} output */
function show(node, output) {
  const pieces = players.has(node) ? piecesOf(output) : [];
  if (pieces.length) playerOn(node).show(pieces);
}

/** Show the pieces of a node in a subgraph on the subgraph's node too, since the inner node may not be visible. */
function showOutside(/** @type {object[]} */ outer, node, /** @type {Output} */ output) {
  const pieces = NODES.has(node?.comfyClass) ? piecesOf(output) : [];
  for (const each of pieces.length ? outer : []) {
    playerOn(each, `art2mus ${node.id}`).show(pieces);
    const [width, height] = each.computeSize();
    each.setSize([Math.max(each.size[0], width), Math.max(each.size[1], height)]);
  }
}

/** Show outputs of earlier runs. */
function showAll(/** @type {Record<string, Output>} */ outputs) {
  for (const [key, output] of Object.entries(outputs))
    guarded(() => {
      const { node, outer } = placeOf(key);
      if (node) show(node, output);
      showOutside(outer, node, output);
    });
}

/** After a reload the front end restores the graph; its last outputs come from the server's history. */
async function restore() {
  await whenLoaded();
  const graph = app.rootGraph ?? app.graph;
  const nodes = graph.nodes;
  const outputs = await lastOutputs(graph);
  if (nodes[0] === graph.nodes[0]) showAll(outputs); // unless another graph was loaded meanwhile
}

const style = document.createElement("link");
Object.assign(style, { rel: "stylesheet", href: new URL("./player.css", import.meta.url).href });
document.head.append(style);

app.registerExtension({
  name: "art2mus.player",

  init: loadTexts,

  setup() {
    api.addEventListener("executed", ({ detail }) =>
      guarded(() => {
        const { node, outer } = placeOf(String(detail.display_node ?? detail.node));
        showOutside(outer, node, detail.output);
      }),
    );
  },

  /** Front ends without DOM widgets use the host's own player, as for core nodes. */
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (NODES.has(nodeData.name) && !nodeType.prototype.addDOMWidget)
      nodeData.input.required.audioUI = ["AUDIO_UI", {}];
  },

  nodeCreated(node) {
    if (!NODES.has(node.comfyClass) || !node.addDOMWidget) return;
    guarded(() => {
      playerOn(node);
      const { onExecuted } = node;
      node.onExecuted = function (output) {
        onExecuted?.apply(this, arguments);
        guarded(() => show(node, output));
      };
    });
  },

  beforeConfigureGraph: noteOpen,

  afterConfigureGraph() {
    restore(); // not awaited: the front end would wait for it before it finishes loading
  },

  /** Called for another workflow tab and for a run chosen from the queue. */
  onNodeOutputsUpdated: showAll,
});
