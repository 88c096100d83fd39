"""Loads the pack as ComfyUI does, by path and under a mangled name, and prints its nodes' schemas as JSON.

    python tests/nodes/describe.py PACK [FOLDER_WITH_COMFY_API]

It runs alike on the stand-in and on a real ComfyUI, so that the two can be compared.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from pathlib import Path

INPUT_FACTS = (
    "default",
    "min",
    "max",
    "step",
    "optional",
    "tooltip",
    "upload",
    "control_after_generate",
    "advanced",
    "rawLink",
    "lazy",
)


def name_of(folder: Path) -> str:
    """What the host calls the pack's module: its path."""
    return str(folder).replace(".", "_x_")


def load_pack(folder: Path):
    """The pack's module, named as the host names it."""
    name = name_of(folder)
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load_nodes(folder: Path) -> list:
    async def ask():
        return await (await load_pack(folder).comfy_entrypoint()).get_node_list()

    return asyncio.run(ask())


def facts(socket) -> dict:
    found = {"id": socket.id, "type": socket.io_type, "name": socket.display_name}
    found |= {key: getattr(socket, key, None) for key in INPUT_FACTS}
    found["optional"] = bool(found["optional"])
    return found | {"choices": len(getattr(socket, "options", None) or []) > 0}


def describe(node) -> dict:
    schema = node.GET_SCHEMA()
    return {
        "id": schema.node_id,
        "name": schema.display_name,
        "category": schema.category,
        "description": schema.description,
        "search_aliases": schema.search_aliases,
        "is_output_node": schema.is_output_node,
        "enable_expand": schema.enable_expand,
        "is_input_list": schema.is_input_list,
        "is_dev_only": schema.is_dev_only,
        "essentials_category": schema.essentials_category,
        "hidden": sorted(hidden.value for hidden in schema.hidden),
        "inputs": [facts(socket) for socket in schema.inputs],
        "outputs": [
            {"type": socket.io_type, "name": socket.display_name, "list": bool(socket.is_output_list)}
            for socket in schema.outputs
        ],
    }


if __name__ == "__main__":
    sys.path[:0] = sys.argv[2:3]
    before = set(sys.modules)
    nodes = [describe(node) for node in load_nodes(Path(sys.argv[1]))]
    imported = sorted({name.split(".")[0] for name in set(sys.modules) - before})
    sys.stdout.write(json.dumps({"nodes": nodes, "imported": imported}))
