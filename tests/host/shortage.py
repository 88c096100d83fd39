"""Composes with too little memory for it, inside the host's process; prints what is said and whether music goes on."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from inside import Graph, answer, pack  # isort: skip  tells the host to use the CPU, before its parts are imported

import comfy.model_management as memory
import torch

SPARE = 200 << 20
"""Bytes that are left for the piece."""


def main() -> None:
    settings = pack("art2mus_core.pipelines.settings").Settings
    with torch.inference_mode():
        graph = Graph(sys.argv[2], (0.2, 0.4, 0.6, 0.8) * 16)
        parts = (graph.model, graph.vae, graph.positive, graph.negative)
        graph.assembly.compose(*parts, settings=settings(1.0, 1), seed=0)
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        unlimited = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (taken + SPARE, unlimited[1]))
        try:
            graph.assembly.compose(*parts, settings=settings(60.0, 2), seed=0)
            said, known = "", False
        except Exception as error:  # noqa: BLE001  its text is the fact
            said, known = str(error), isinstance(error, memory.OOM_EXCEPTION)
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
        memory.unload_all_models()
        again, _ = graph.assembly.compose(*parts, settings=settings(1.0, 1), seed=0)
    answer({"said": said, "known to the host": known, "pieces afterwards": len(again["waveform"])})


main()
