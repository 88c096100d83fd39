import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { lastOutputs, noteOpen } from "./history.js";
import { placeOf } from "./places.js";
import { Player } from "./player.js";
import { loadWords, wordsOf } from "./words.js";

/**
 * What the server sends for a node: files in both lists, one entry a piece.
 * @typedef {{filename: string, subfolder?: string, type?: string}} ResultFile
 * @typedef {{audio?: ResultFile[], art2mus?: {spectrogram?: ResultFile, seconds?: number, artwork?: string}[]}} Output
 */

const NODES = new Set(["Art2MusSaveAudio", "Art2MusPreviewMusic"]);
const HEIGHT = 240;

/** The player is no parameter: the panel of parameters leaves it out, by the newest front ends' words and by older ones'. */
const SURFACES = { surfaces: { canvas: "shown", vueNode: "shown", panel: "never" }, hideInPanel: true };

/** @type {WeakMap<object, Map<string, Player>>} by the node that shows it, and by the name of its widget */
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

/**
 * @param {Output} output
 * @returns {import("./player.js").Piece[]}
 */
const piecesOf = (output) =>
  (output?.audio ?? []).map((file, index) => {
    const { spectrogram, seconds, artwork } = output.art2mus?.[index] ?? {};
    const name = file.type === "temp" ? undefined : file.filename; // of a preview it says nothing
    return { audio: address(file), spectrogram: spectrogram && address(spectrogram), seconds, name, artwork };
  });

/** The host looks for a widget named audioUI on every node that sends audio, and fails where there is none. */
function playerOn(node, widget = "audioUI") {
  if (!players.has(node)) players.set(node, new Map());
  const there = players.get(node);
  if (!there.has(widget)) {
    const player = new Player(wordsOf(app.ui.settings.getSettingValue("Comfy.Locale")));
    const options = { serialize: false, hideOnZoom: false, getMinHeight: () => HEIGHT, ...SURFACES };
    node.addDOMWidget(widget, "ART2MUS_PLAYER", player.element, options).serialize = false;
    there.set(widget, player);
  }
  return there.get(widget);
}

/** @param {Output} output */
function show(node, output) {
  const pieces = players.has(node) ? piecesOf(output) : [];
  if (pieces.length) playerOn(node).show(pieces);
}

/** What a node inside of subgraphs plays is heard on their outer nodes too, which may be all that is seen of them. */
function showOutside(/** @type {object[]} */ outer, node, /** @type {Output} */ output) {
  const pieces = NODES.has(node?.comfyClass) ? piecesOf(output) : [];
  for (const each of pieces.length ? outer : []) {
    playerOn(each, `art2mus ${node.id}`).show(pieces);
    const [width, height] = each.computeSize();
    each.setSize([Math.max(each.size[0], width), Math.max(each.size[1], height)]);
  }
}

/** Outputs that come back without a run. */
function showAll(/** @type {Record<string, Output>} */ outputs) {
  for (const [key, output] of Object.entries(outputs))
    guarded(() => {
      const { node, outer } = placeOf(key);
      if (node) show(node, output);
      showOutside(outer, node, output);
    });
}

const style = document.createElement("link");
Object.assign(style, { rel: "stylesheet", href: new URL("./player.css", import.meta.url).href });
document.head.append(style);

app.registerExtension({
  name: "art2mus.player",

  init: loadWords,

  setup() {
    api.addEventListener("executed", ({ detail }) =>
      guarded(() => {
        const { node, outer } = placeOf(String(detail.display_node ?? detail.node));
        showOutside(outer, node, detail.output);
      }),
    );
  },

  /** Front ends without DOM widgets get the host's own player, as its core nodes do. */
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

  /** After the page was loaded anew the front end brings the graph back, and the server still knows its last music. */
  async afterLoadGraph() {
    const graph = app.rootGraph ?? app.graph;
    const nodes = graph.nodes;
    const outputs = await lastOutputs(graph);
    if (nodes[0] === graph.nodes[0]) showAll(outputs); // else another graph came meanwhile
  },

  /** Another workflow tab, or a run picked from the queue. */
  onNodeOutputsUpdated: showAll,
});
