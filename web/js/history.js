import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

/** Number of runs to request; the server sends each with its whole graph. */
const RUNS = 32;

/** @type {Set<string | undefined>} paths of the workflows that were shown since the page was loaded */
const shown = new Set();

/** @type {string[]} paths of the workflows that were open before the current one was loaded */
let open = [];

const workflows = () => app.extensionManager?.workflow ?? {};

/** Must be called before a graph is loaded. */
export function noteOpen() {
  open = (workflows().openWorkflows ?? []).map(({ path }) => path);
}

/**
 * Until the front end has finished loading a graph and has chosen its tab, or 10 seconds have passed.
 * A hook for this, `afterLoadGraph`, is only in the newest front ends.
 */
export async function whenLoaded() {
  for (let tries = 0; tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const tracker = workflows().activeWorkflow?.changeTracker;
    if (tracker && !tracker.constructor.isLoadingGraph) return;
  }
}

/** Whether the current workflow was restored with the page. Workflows that are opened later start without music. */
function isRestored() {
  const path = workflows().activeWorkflow?.path;
  const restored = !shown.size || (open.includes(path) && !shown.has(path));
  shown.add(path);
  return restored;
}

/**
 * The last outputs of the nodes of a restored graph, from the server's history, by the keys of the run.
 * @param {{id?: string}} graph
 * @returns {Promise<Record<string, import("./art2mus.js").Output>>}
 */
export async function lastOutputs({ id }) {
  if (!isRestored() || !id) return {};
  try {
    const runs = Object.values(await (await api.fetchApi(`/history?max_items=${RUNS}`)).json());
    const matching = runs.filter(({ prompt }) => prompt?.[3]?.extra_pnginfo?.workflow?.id === id);
    return Object.assign({}, ...matching.map(({ outputs }) => outputs));
  } catch (error) {
    console.warn("Art2Mus: could not load the outputs of earlier runs.", error);
    return {};
  }
}
