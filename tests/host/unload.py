"""Composes inside the host's process, unloads, and prints what is left; see start_host.py --run."""

from __future__ import annotations

import gc
import sys
import weakref

from inside import Graph, answer, pack  # isort: skip  tells the host to use the CPU, before its parts are imported

import comfy.model_management as memory
import torch


def main() -> None:
    with torch.inference_mode():
        graph = Graph(sys.argv[2])
        settings = pack("art2mus_core.pipelines.settings").Settings(1.0, 2)
        parts = (graph.model, graph.vae, graph.positive, graph.negative)
        graph.assembly.compose(*parts, settings=settings, seed=0)
    patchers = (graph.model, graph.vae.patcher, graph.language.patcher)
    weights = [weakref.ref(weight) for patcher in patchers for weight in patcher.model.parameters()]
    gc.collect()
    memory.cleanup_models()
    loaded = len(memory.current_loaded_models)
    memory.unload_all_models()
    unloaded = len(memory.current_loaded_models)
    del graph, parts, patchers
    gc.collect()
    alive = sum(weight() is not None for weight in weights)
    answer({"loaded": loaded, "after unloading": unloaded, "alive": alive})


main()
