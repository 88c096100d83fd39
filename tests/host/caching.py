"""The host's EasyCache and LazyCache on our MODEL, in its process: what they leave out, and how near the music stays."""

from __future__ import annotations

import sys
from functools import partial

from inside import Graph, answer, pack  # isort: skip  tells the host to use the CPU, before its parts are imported

import torch
from comfy_extras.nodes_easycache import EasyCacheNode, LazyCacheNode

import nodes as core

NODES = {"EasyCache": EasyCacheNode, "LazyCache": LazyCacheNode}


def evaluated(
    graph: Graph, model: object, positive: list, *, pieces: int, cfg: float, steps: int
) -> tuple[torch.Tensor, int]:
    """KSampler's latent, and how many latents its network was asked for, of all pieces and both sides of guidance."""
    asked: list[int] = []
    first = model.model.diffusion_model.conv_in
    counting = first.register_forward_pre_hook(lambda _, given: asked.append(len(given[0])))
    latent = graph.assembly.empty_latent(model, 1.0, pieces)
    sides = (positive, graph.negative, latent)
    made = core.KSampler().sample(model, 3, steps, cfg, "dpmpp_2m", "karras", *sides, 1.0)[0]["samples"]
    counting.remove()
    return made, sum(asked)


def cached(model: object, node: str, threshold: float) -> object:
    return NODES[node].execute(model, threshold, start_percent=0.15, end_percent=0.95, verbose=False).result[0]


def far(made: torch.Tensor, wanted: torch.Tensor) -> float:
    """The largest distance of a piece, relative to its norm."""
    return max(float((one - other).norm() / other.norm()) for one, other in zip(made, wanted, strict=True))


def case(sample: partial, model: object, thresholds: dict[str, float]) -> dict:
    plain, asked = sample(model)
    told = {"evaluations": asked, "pieces": len(plain)}
    for node, threshold in thresholds.items():
        unused, all_asked = sample(cached(model, node, 0.0))
        made, fewer = sample(cached(model, node, threshold))
        told[node] = {
            "at threshold 0": [bool(torch.equal(unused, plain)), all_asked],
            "evaluations": fewer,
            "far": far(made, plain),
        }
    told["again without"] = bool(torch.equal(sample(model)[0], plain))
    return told


def unwrapped(sample: partial, model: object) -> bool:
    """Whether music is that of the core's own `forward`, bit by bit."""
    plain, _ = sample(model)
    network, unet = type(model.model.diffusion_model), pack("art2mus_core.networks.unet").UNet
    own = network.forward
    try:
        network.forward = lambda self, x, timesteps, context, text=None, text_mask=None, **_: unet.forward(
            self, x, timesteps, context, text, text_mask
        )
        return bool(torch.equal(sample(model)[0], plain))
    finally:
        network.forward = own


def quick(graph: Graph) -> dict[str, int]:
    """Products of a prediction that oneDNN computes: none in a small network, those of all linear layers in a large one."""
    network = graph.model.model.diffusion_model
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)]
    sample = partial(evaluated, graph, graph.model, graph.positive, pieces=1, cfg=1.0, steps=1)
    counts = {"layers": len(layers)}
    for name in ("small", "large", "streamed"):
        for layer in layers:
            layer.quick = name != "small"
            layer.comfy_cast_weights = name == "streamed"
        with torch.profiler.profile() as profile:
            made, _ = sample()
        counts[name] = sum(event.name.endswith("_linear_pointwise") for event in profile.events())
        plain = made if name == "small" else plain
        counts[f"{name}, far"] = far(made, plain)
    return counts


def main() -> None:
    checkpoint, steps, thresholds = (
        sys.argv[2],
        int(sys.argv[3]),
        dict(zip(NODES, map(float, sys.argv[4:]), strict=True)),
    )
    with torch.inference_mode():
        graph, pair = Graph(checkpoint), Graph(checkpoint, (0.9, 0.4))
        sample = partial(evaluated, graph, steps=steps)
        longer = pair.positive
        for _ in range(
            4
        ):  # the host evaluates both sides in one batch if one is at most four times as long as the other
            (longer,) = core.ConditioningConcat().concat(longer, pair.positive)
        told = {
            "one": partial(sample, positive=graph.positive, pieces=1, cfg=2.0),
            "two": partial(sample, positive=pair.positive, pieces=2, cfg=2.0),
            "without guidance": partial(sample, positive=pair.positive, pieces=2, cfg=1.0),
            "sides apart": partial(sample, positive=longer, pieces=2, cfg=2.0),
        }
        facts = {name: case(one, graph.model, thresholds) for name, one in told.items()}
        answer({"cases": facts, "unwrapped": unwrapped(told["two"], graph.model), "quick": quick(graph)})


main()
