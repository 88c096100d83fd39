import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

/** Runs to look at; the server sends each with its whole graph. */
const RUNS = 32;

/** @type {Set<string | undefined>} workflows that were on the canvas since the page was loaded, by path */
const seen = new Set();

/** @type {string[]} workflows that were open before the present one came */
let open = [];

const workflows = () => app.extensionManager?.workflow ?? {};

/** Has to be called before a graph comes on the canvas. */
export function noteOpen() {
  open = (workflows().openWorkflows ?? []).map(({ path }) => path);
}

/** Whether the page brought the present workflow back; one that is opened later begins without music. */
function isRestored() {
  const path = workflows().activeWorkflow?.path;
  const restored = !seen.size || (open.includes(path) && !seen.has(path));
  seen.add(path);
  return restored;
}

/**
 * What the server still has of a graph that came back with the page: the last outputs of its nodes, by the run's names for them.
 * @param {{id?: string}} graph
 * @returns {Promise<Record<string, import("./art2mus.js").Output>>}
 */
export async function lastOutputs({ id }) {
  if (!isRestored() || !id) return {};
  try {
    const runs = Object.values(await (await api.fetchApi(`/history?max_items=${RUNS}`)).json());
    const own = runs.filter(({ prompt }) => prompt?.[3]?.extra_pnginfo?.workflow?.id === id);
    return Object.assign({}, ...own.map(({ outputs }) => outputs));
  } catch (error) {
    console.warn("Art2Mus: no music of earlier runs.", error);
    return {};
  }
}
