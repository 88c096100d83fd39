import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

/** Runs to look at; the server sends each with its whole graph. */
const RUNS = 32;

/** @type {Set<string> | undefined} workflows that were open when the page was loaded, by path, and were not seen since */
let unseen;

/** Whether the page brought this graph back; one that is opened later begins without music. */
function isRestored() {
  const { openWorkflows, activeWorkflow } = app.extensionManager?.workflow ?? {};
  const first = !unseen;
  unseen ??= new Set((openWorkflows ?? []).map(({ path }) => path));
  return unseen.delete(activeWorkflow?.path) || first;
}

/**
 * What the server still has of a graph that came back with the page: the last outputs of its nodes, by the run's names for them.
 * @param {{id?: string}} graph
 * @returns {Promise<Record<string, import("./art2mus.js").Output>>}
 */
export async function lastOutputs(graph) {
  if (!isRestored() || !graph.id) return {};
  try {
    const runs = Object.values(await (await api.fetchApi(`/history?max_items=${RUNS}`)).json());
    const own = runs.filter(({ prompt }) => prompt?.[3]?.extra_pnginfo?.workflow?.id === graph.id);
    return Object.assign({}, ...own.map(({ outputs }) => outputs));
  } catch (error) {
    console.warn("Art2Mus: no music of earlier runs.", error);
    return {};
  }
}
