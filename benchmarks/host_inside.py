"""The parts of host.py that run in ComfyUI's process, started by tests/host/start_host.py: `start`, `sampling` and `caches`."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from inside import Graph, answer, pack  # isort: skip  sets the host to the CPU before its modules are imported

import numpy as np
import torch
from comfy_extras.nodes_easycache import EasyCacheNode, LazyCacheNode

import nodes as core

SECONDS, STEPS, ROUNDS = 10.0, 20, 10

CACHES = {"EasyCache": EasyCacheNode, "LazyCache": LazyCacheNode}


def start() -> dict:
    """Milliseconds to load an empty pack, and then this pack; ComfyUI's nodes are already loaded."""
    asyncio.run(core.init_extra_nodes(init_custom_nodes=False, init_api_nodes=False))
    with tempfile.TemporaryDirectory() as place:
        for name in ("first", "empty"):
            (Path(place) / name).mkdir()
            (Path(place) / name / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n", encoding="utf-8")
        _load(Path(place) / "first")
        empty = _load(Path(place) / "empty")
    before = set(sys.modules)
    ours = _load(Path(sys.argv[1]))
    new = {name.split(".")[0] for name in set(sys.modules) - before if "art2mus" not in name}
    return {"empty pack": empty, "this pack": ours, "imported": sorted(new)}


def _load(folder: Path) -> float:
    began = time.perf_counter()
    if not asyncio.run(core.load_custom_node(str(folder))):
        sys.exit(f"{folder} did not load")
    return 1000 * (time.perf_counter() - began)


def sampling(model: str) -> dict:
    """Compare KSampler and our sampler from the same noise, and measure the time per step in three places."""
    torch.set_num_threads(2)
    graph = Graph(model, (0.7,))
    settings = pack("art2mus_core.pipelines.settings").Settings
    ours = {steps: _ours(graph, settings(SECONDS, steps, 1.5), seed=5) for steps in (50, 20)}
    return {
        "KSampler and ours, dB": _far(graph, _theirs(graph, 50, 1.5, seed=5), ours[50]),
        "ours in 50 and in 20 steps, dB": _far(graph, ours[20], ours[50]),
        "ours with another seed, dB": _far(graph, _ours(graph, settings(SECONDS, 50, 1.5), seed=6), ours[50]),
        **_steps(graph, Path(model)),
    }


def _theirs(graph: Graph, steps: int, cfg: float, seed: int) -> torch.Tensor:
    latent = graph.assembly.empty_latent(graph.model, SECONDS, 1)
    sides = (graph.positive, graph.negative, latent)
    (made,) = core.KSampler().sample(graph.model, seed, steps, cfg, "dpmpp_2m", "karras", *sides, 1.0)
    return made["samples"]


def _ours(graph: Graph, settings: object, seed: int) -> torch.Tensor:
    parts = (graph.model, graph.vae, graph.positive, graph.negative)
    return graph.assembly.compose(*parts, settings=settings, seed=seed)[1]["samples"]


def _far(graph: Graph, first: torch.Tensor, second: torch.Tensor) -> float:
    """Mean distance of two log-mels in decibels, where at least one is within 60 dB of the loudest value."""
    transform = pack("art2mus_core.audio.mel").MelTransform(graph.grid)
    mels = [
        transform(graph.vae.decode(latent)[..., 0]) * 20 / torch.log(torch.tensor(10.0)) for latent in (first, second)
    ]
    floor = max(mel.max() for mel in mels) - 60
    mels = [mel.clamp_min(floor) for mel in mels]
    heard = (mels[0] > floor) | (mels[1] > floor)
    return float((mels[0] - mels[1]).abs()[heard].mean())


def _steps(graph: Graph, folder: Path) -> dict:
    """Seconds of a guided step, measured alternately: the core alone, our node in the host, the host's KSampler."""
    denoiser = pack("art2mus_core.diffusion.denoiser").LatentDenoiser(
        pack("art2mus_core.pipelines.parts").open_parts(pack("art2mus_core.pipelines.parts").Choice(str(folder))).unet
    )
    guided = pack("art2mus_core.diffusion.guidance").Guided
    sampler, levels = pack("art2mus_core.diffusion.sampling"), pack("art2mus_core.diffusion.schedules").schedule
    told, untold = (graph.assembly.unpack(side, graph.grid, "")[0] for side in (graph.positive, graph.negative))
    settings = pack("art2mus_core.pipelines.settings").Settings(SECONDS, STEPS, 1.5)
    noise = sampler.draw_noise(graph.grid.latent_shape(SECONDS), [5])
    plan = dict(graph.model.model.info.schedule)

    def alone() -> None:
        sampler.sample(guided(denoiser, untold, 1.5), told, noise, levels(plan, settings.solver, settings.steps))

    memory = pack("nodes.host").HostMemory()

    def in_the_node() -> None:
        with memory.denoising(graph.model, 1, noise.shape[2]) as (told_by, _):
            inside = guided(told_by, untold, 1.5)
            report = memory.reporter(settings.steps, preview=graph.model.model.info.preview)
            sampler.sample(inside, told, noise, levels(plan, settings.solver, settings.steps), on_step=report)

    taken: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, work in (("core", alone), ("node", in_the_node), ("KSampler", lambda: _theirs(graph, STEPS, 1.5, 5))):
            began = time.perf_counter()
            work()
            taken.setdefault(name, []).append((time.perf_counter() - began) / settings.steps)
    medians = {name: statistics.median(times[1:]) for name, times in taken.items()}
    return {
        "seconds of a step in the core": medians["core"],
        "node / core": medians["node"] / medians["core"],
        "KSampler / core": medians["KSampler"] / medians["core"],
    }


def caches(model: str, folder: Path) -> list[dict]:
    """What each row of `folder`/rows.json takes and gives for each picture; music is written to `folder` as arrays."""
    told = json.loads((folder / "rows.json").read_text())
    graph, read = Graph(model), pack("art2mus_core.images.reading").read_artwork
    shapes: list[int] = []
    graph.model.model.diffusion_model.conv_in.register_forward_pre_hook(lambda _, given: shapes.append(len(given[0])))
    found: list[dict] = [{"evaluations": 0, "seconds": 0.0, "latent": []} for _ in told["rows"]]
    for number, picture in enumerate(told["pictures"]):
        encoded = graph.assembly.encode_artworks([read(Path(picture))], model, hashes=["none"])
        graph.positive, graph.negative = graph.assembly.align(encoded, graph.language, "model", 1.0)
        latents = []
        for index, (row, sums) in enumerate(zip(told["rows"], found, strict=True)):
            shapes.clear()
            began = time.process_time()
            latents.append(_cached(graph, told["seconds"], number, **row))
            sums["seconds"] += time.process_time() - began
            sums["evaluations"] += sum(shapes)
            sums["latent"].append(float((latents[-1] - latents[0]).norm() / latents[0].norm()))
            sound = graph.vae.decode(latents[-1])[0].T.numpy()
            np.save(folder / f"{index}-{number}.npy", sound)
    return [{**sums, "rate": graph.grid.sample_rate} for sums in found]


def _cached(graph: Graph, seconds: float, seed: int, *, steps: int, node: str, told: list[float]) -> torch.Tensor:
    """The latent of the host's KSampler, with one of its nodes before it, given threshold, start and end; `next` is another seed."""
    model, latent = graph.model, graph.assembly.empty_latent(graph.model, seconds, 1)
    if node in CACHES:
        (model,) = CACHES[node].execute(model, *told, verbose=False).result
    sides = (graph.positive, graph.negative, latent)
    seed += 1000 * (node == "next")
    return core.KSampler().sample(model, seed, steps, 2.0, "dpmpp_2m", "karras", *sides, 1.0)[0]["samples"]


def main(task: str, *more: str) -> object:
    if task == "start":
        return start()
    return caches(*more[:1], Path(more[1])) if task == "caches" else sampling(task)


with torch.inference_mode():
    answer(main(*sys.argv[2:]))
