"""Presses stop in the middle of a step, inside the host's process; prints how often the network was asked, as JSON."""

from __future__ import annotations

import sys

from inside import Graph, answer, pack  # isort: skip  tells the host to use the CPU, before its parts are imported

import comfy.model_management as memory
import torch

STEPS = 20


def main() -> None:
    asked, press = 0, 0

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1
        if asked == press:
            memory.interrupt_current_processing()

    with torch.inference_mode():
        graph = Graph(sys.argv[2])
        graph.model.model.diffusion_model.register_forward_pre_hook(count)
        parts = (graph.model, graph.vae, graph.positive, graph.negative)
        settings = pack("art2mus_core.pipelines.settings").Settings(1.0, STEPS)
        graph.assembly.compose(*parts, settings=settings, seed=0)
        each, asked = asked // STEPS, 0
        press, stopped = 3 * each + 1, False
        try:
            graph.assembly.compose(*parts, settings=settings, seed=0)
        except memory.InterruptProcessingException:
            stopped = True
    answer({"stopped": stopped, "a step": each, "in all": asked})


main()
