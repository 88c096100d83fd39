"""Wrong connections inside the host's process; prints what a person reads of each as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable

from inside import Graph, answer, pack  # isort: skip  tells the host to use the CPU, before its parts are imported

import torch
from comfy_extras.nodes_audio import VAEDecodeAudio

import nodes as core


def said(act: Callable[[], object]) -> str:
    try:
        act()
    except Exception as error:  # noqa: BLE001  its text is the fact
        return str(error)
    return ""


def main() -> None:
    settings = pack("art2mus_core.pipelines.settings").Settings(1.0, 1)
    graph, other, pair = Graph(sys.argv[2]), Graph(sys.argv[3]), Graph(sys.argv[2], (0.3, 0.6))
    sentence = [[torch.randn(1, 77, 768), {"pooled_output": None}]]
    wide = [[torch.randn(1, 77, graph.grid.language_width), {"pooled_output": None}]]
    picture = {"samples": torch.zeros(1, 4, 32, 32)}
    empty = graph.assembly.empty_latent(graph.model, 1.0, 1)

    def ours(vae: object = graph.vae, positive: list = graph.positive, negative: list = graph.negative) -> object:
        return graph.assembly.compose(graph.model, vae, positive, negative, settings=settings, seed=0)

    def theirs(positive: list = graph.positive, latent: dict = empty) -> object:
        told = {"steps": 1, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0, "seed": 0}
        parts = {"model": graph.model, "positive": positive, "negative": graph.negative, "latent_image": latent}
        return core.KSampler().sample(**told, **parts)

    answer(
        {
            "vae": said(lambda: ours(vae=other.vae)),
            "no vae of ours": said(lambda: ours(vae=core)),
            "negative": said(lambda: ours(negative=pair.negative + pair.negative)),
            "two negatives": said(lambda: ours(negative=[[pair.positive[0][0], pair.negative[0][1]]])),
            "sentence, ours": said(lambda: ours(positive=sentence)),
            "sentence, core": said(lambda: theirs(positive=sentence)),
            "sentence of our width": said(lambda: theirs(positive=wide)),
            "latent, core": said(lambda: theirs(latent=picture)),
            "latent, decoded": said(lambda: VAEDecodeAudio.execute(vae=graph.vae, samples=picture)),
            "picture, encoded": said(lambda: core.VAEEncode().encode(graph.vae, torch.zeros(1, 16, 16, 3))),
            "picture, decoded": said(lambda: core.VAEDecodeTiled().decode(graph.vae, empty, 512)),
        }
    )


with torch.inference_mode():
    main()
