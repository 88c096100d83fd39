import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { Player } from "./player.js";
import { loadWords, wordsOf } from "./words.js";

/**
 * What the server sends for a node: files in both lists, one entry a piece.
 * @typedef {{filename: string, subfolder?: string, type?: string}} ResultFile
 * @typedef {{audio?: ResultFile[], art2mus?: {spectrogram?: ResultFile, seconds?: number}[]}} Output
 */

const NODES = new Set(["Art2MusSaveAudio", "Art2MusPreviewMusic"]);
const HEIGHT = 210;

/** @type {WeakMap<object, Player>} by node */
const players = new WeakMap();

let warned = false;

/** A fault of ours costs the player, never the graph. */
function guarded(/** @type {() => void} */ work) {
  try {
    work();
  } catch (error) {
    if (!warned) console.warn("Art2Mus: no player for this node.", error);
    warned = true;
  }
}

function address(/** @type {ResultFile} */ { filename, subfolder = "", type = "output" }) {
  const query = new URLSearchParams({ filename, subfolder, type });
  return api.apiURL(`/view?${query}${app.getRandParam?.() ?? ""}`);
}

/** @param {Output} output */
function show(node, output) {
  const pieces = (output?.audio ?? []).map((file, index) => {
    const { spectrogram, seconds } = output.art2mus?.[index] ?? {};
    return { audio: address(file), spectrogram: spectrogram && address(spectrogram), seconds };
  });
  if (pieces.length) players.get(node)?.show(pieces);
}

function addPlayer(node) {
  const player = new Player(wordsOf(app.ui.settings.getSettingValue("Comfy.Locale")));
  // The host looks for a widget of this name on every node that sends audio, and fails where there is none.
  const options = { serialize: false, hideOnZoom: false, getMinHeight: () => HEIGHT };
  const widget = node.addDOMWidget("audioUI", "ART2MUS_PLAYER", player.element, options);
  widget.serialize = false;
  players.set(node, player);

  const { onExecuted } = node;
  node.onExecuted = function (output) {
    onExecuted?.apply(this, arguments);
    guarded(() => show(node, output));
  };
}

/** The node of a key of the host's outputs: `id`, or `subgraph:id` inside a subgraph. */
function nodeAt(/** @type {string} */ key) {
  const [id, subgraph] = key.split(":").reverse();
  const root = app.rootGraph ?? app.graph;
  return (subgraph ? root.subgraphs?.get(subgraph) : root)?.getNodeById(id);
}

const style = document.createElement("link");
Object.assign(style, { rel: "stylesheet", href: new URL("./player.css", import.meta.url).href });
document.head.append(style);

app.registerExtension({
  name: "Art2Mus.Player",

  init: loadWords,

  /** Front ends without DOM widgets get the host's own player, as its core nodes do. */
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (NODES.has(nodeData.name) && !nodeType.prototype.addDOMWidget)
      nodeData.input.required.audioUI = ["AUDIO_UI", {}];
  },

  nodeCreated(node) {
    if (NODES.has(node.comfyClass) && node.addDOMWidget) guarded(() => addPlayer(node));
  },

  /** Another workflow tab, or a run picked from the queue: the outputs come back without a run. */
  onNodeOutputsUpdated(outputs) {
    for (const [key, output] of Object.entries(outputs)) guarded(() => show(nodeAt(key), output));
  },
});
