import { app } from "../../../scripts/app.js";

/**
 * The node of a key in the host's outputs, and the subgraph nodes that contain it. A key is `id`, `outer id:id` in a run, or
 * `subgraph:id` in the front end.
 * @returns {{node?: object, outer: object[]}}
 */
export function placeOf(/** @type {string} */ key) {
  const root = app.rootGraph ?? app.graph;
  const [first, ...rest] = key.split(":");
  const subgraph = root.subgraphs?.get(first);
  if (subgraph) return { node: subgraph.getNodeById(rest[0]), outer: root.nodes.filter((each) => each.subgraph === subgraph) };
  const outer = [];
  let node = root.getNodeById(first);
  for (const id of rest) {
    if (node) outer.push(node);
    node = node?.subgraph?.getNodeById(id);
  }
  return { node, outer };
}
