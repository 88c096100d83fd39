"""Core nodes on our objects inside the host's process, on one checkpoint; prints what came out as JSON."""

from __future__ import annotations

import itertools
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from inside import Graph, answer, pack  # isort: skip  tells the host to use the CPU, before its parts are imported

import comfy.latent_formats
import comfy.samplers
import folder_paths
import latent_preview
import numpy as np
import torch
from comfy.cli_args import LatentPreviewMethod
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_audio import EmptyLatentAudio, VAEDecodeAudio, VAEDecodeAudioTiled, VAEEncodeAudio
from safetensors.torch import save_file

import nodes as core


def pieces(graph: Graph, latent: dict, **chosen) -> torch.Tensor:
    """What the host's KSampler makes of a latent."""
    told = {"seed": 3, "steps": 3, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    sides = {"positive": graph.positive, "negative": graph.negative, "model": graph.model}
    return core.KSampler().sample(**sides | told | chosen | {"latent_image": latent})[0]["samples"]


def far(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).abs().max() / second.abs().max())


def prediction(graph: Graph) -> float:
    """The noise (or velocity) through the host's MODEL against the core's denoiser, relative to its largest value."""
    inside, checkpoint = graph.model.model, Path(sys.argv[2])
    parts = pack("art2mus_core.pipelines.parts")
    opened = parts.open_parts(parts.Choice(str(checkpoint)))
    unet, plan_model = opened.unet, opened.plan_model
    denoiser = pack("art2mus_core.diffusion.denoiser").LatentDenoiser(unet)
    condition, _ = graph.assembly.unpack(graph.positive, graph.grid, "positive")
    worst = 0.0
    for level in (40, 500, 960):
        sigma = inside.model_sampling.sigmas[level].reshape(1)
        x = torch.randn(1, *graph.grid.latent_shape(1.3), generator=torch.Generator().manual_seed(level))
        conds = inside.extra_conds(cross_attn=graph.positive[0][0], noise=x, device=x.device, **graph.positive[0][1])
        told = {name: cond.process_cond(batch_size=1, area=None).cond for name, cond in conds.items()}
        noisy = x * (sigma**2 + 1).sqrt()
        clean = inside.apply_model(noisy, sigma, **told)
        if inside.model_type.name == "EPS":
            host = (noisy - clean) / sigma
        else:
            host = (noisy / (sigma**2 + 1) - clean) * (sigma**2 + 1).sqrt() / sigma
        given = condition
        if plan_model is not None:
            language = pack("art2mus_core.types").LanguageOfAudio(condition.language)
            plan = plan_model.plan(language, x, graph.grid.latent_rate)
            given = replace(condition, plan=plan, language=plan_model.settled(condition.language, plan))
        ours = denoiser(x, torch.tensor(level), given)
        worst = max(worst, far(host, ours))
    return worst


def streamed(graph: Graph) -> dict:
    """The prediction with every layer left on the offload device, as under --lowvram, which needs a graphics card."""
    patcher = ModelPatcher(graph.model.model, graph.model.load_device, graph.model.offload_device)
    patcher.load(patcher.load_device, lowvram_model_memory=1)
    layers = [hasattr(layer, "comfy_cast_weights") for layer in graph.model.model.modules()]
    cast = [getattr(layer, "comfy_cast_weights", False) for layer in graph.model.model.modules()]
    facts = {"layers": sum(layers), "streamed": sum(cast), "prediction": prediction(graph)}
    patcher.detach()
    return facts


def lora(graph: Graph, latent: dict) -> dict:
    """A LoRA file through the core loader: heard, gone at strength 0, and the network as it was afterwards."""
    before = pieces(graph, latent)
    name = next(key for key in graph.model.model.state_dict() if key.endswith("attn2.to_out.0.weight"))
    rows, columns = graph.model.model.state_dict()[name].shape
    with tempfile.TemporaryDirectory() as folder:
        folder_paths.folder_names_and_paths["loras"] = ([folder], {".safetensors"})
        stem = name.removesuffix(".weight")
        spelled = {"generic": stem, "kohya": "lora_unet_" + stem.removeprefix("diffusion_model.").replace(".", "_")}
        heard = {}
        for kind, key in spelled.items():
            ends = {f"{key}.lora_up.weight": torch.ones(rows, 2), f"{key}.lora_down.weight": torch.ones(2, columns)}
            save_file(ends, f"{folder}/{kind}.safetensors")
            for strength in (1.0, 0.0):
                (patched,) = core.LoraLoaderModelOnly().load_lora_model_only(
                    graph.model, f"{kind}.safetensors", strength
                )
                heard[kind, strength] = pieces(graph, latent, model=patched)
    return {
        "heard": min(far(heard[kind, 1.0], before) for kind in spelled),
        "spellings": far(heard["kohya", 1.0], heard["generic", 1.0]),
        "strength 0": max(far(heard[kind, 0.0], before) for kind in spelled),
        "afterwards": far(pieces(graph, latent), before),
    }


def masks(graph: Graph, latent: dict) -> dict:
    """Where a noise mask is 0 the music stays; a smaller `denoise` stays nearer to it."""
    music = {"samples": torch.randn(latent["samples"].shape, generator=torch.Generator().manual_seed(4))}
    frames = music["samples"].shape[2]
    mask = torch.zeros(1, 64, 20)
    mask[:, 32:] = 1
    (masked,) = core.SetLatentNoiseMask().set_mask(music, mask)
    made = pieces(graph, masked)
    kept, new = made[:, :, : frames // 2 - 1], made[:, :, frames // 2 + 1 :]
    there = music["samples"]
    nearness = [far(pieces(graph, music, denoise=denoise, steps=8), there) for denoise in (0.1, 0.4, 1.0)]
    return {
        "kept": far(kept, there[:, :, : frames // 2 - 1]),
        "new": far(new, there[:, :, frames // 2 + 1 :]),
        "denoise": nearness,
    }


def conditionings(graph: Graph, other: Graph, latent: dict) -> dict:
    """Average and concat of two artworks in the core sampler and in ours."""
    first, second = graph.positive, other.positive
    blend = core.ConditioningAverage().addWeighted
    concat = core.ConditioningConcat().concat
    settings = pack("art2mus_core.pipelines.settings").Settings(1.0, 3, 2.0)

    def ours(positive: list) -> torch.Tensor:
        sides = (graph.model, graph.vae, positive, graph.negative)
        return graph.assembly.compose(*sides, settings=settings, seed=0)[1]["samples"]

    def theirs(positive: list) -> torch.Tensor:
        return pieces(graph, latent, positive=positive)

    handed_on = {
        "combine": core.ConditioningCombine().combine(first, second)[0],
        "zero out": core.ConditioningZeroOut().zero_out(first)[0],
        "timesteps": core.ConditioningSetTimestepRange().set_range(first, 0.0, 0.5)[0],
        "strength": core.ConditioningSetAreaStrength().append(first, 0.5)[0],
    }
    facts = {"handed on": {name: bool(theirs(told).isfinite().all()) for name, told in handed_on.items()}}
    for name, play in (("core", theirs), ("ours", ours)):
        alone = play(first)
        facts[name] = {
            "all of one": far(play(blend(first, second, 1.0)[0]), alone),
            "half": far(play(blend(first, second, 0.5)[0]), alone),
            "said twice": far(play(concat(first, first)[0]), alone),
            "both": far(play(concat(first, second)[0]), alone),
        }
    return facts


def every_sampler(graph: Graph, latent: dict) -> list[str]:
    """Pairs of the host's samplers and schedulers whose music is not finite or raises.

    A denoiser with text is slower: each sampler and each scheduler once, where one without sees every pair.
    """
    failed = []
    samplers, schedulers = comfy.samplers.KSampler.SAMPLERS, comfy.samplers.KSampler.SCHEDULERS
    reads_text = "art2mus_text" in graph.positive[0][1]
    for sampler, scheduler in itertools.product(samplers, schedulers):
        # The adaptive one reads the ends of a schedule only, and goes in hundreds of steps through random weights.
        if scheduler != "normal" and (sampler == "dpm_adaptive" or (reads_text and sampler != "euler")):
            continue
        try:
            made = pieces(graph, latent, sampler_name=sampler, scheduler=scheduler, steps=4)
            trouble = "" if bool(made.isfinite().all()) else "not finite"
        except Exception as error:  # noqa: BLE001  collected
            trouble = f"{type(error).__name__}: {error}"
        if trouble:
            failed.append(f"{sampler} {scheduler}: {trouble}")
    return failed


def latents(graph: Graph) -> dict:
    """Empty latents of the host and ours, and what is said of a picture's."""
    (compact,) = EmptyLatentAudio.execute(3.0, 2).result
    fits = hasattr(comfy.latent_formats.LatentFormat, "fix_empty_latent")  # after 0.33.0
    ours = graph.assembly.empty_latent(graph.model, 3.0, 2)
    (picture,) = core.EmptyLatentImage().generate(256, 256)
    said = {}
    for name, latent in {"picture": picture, **({} if fits else {"compact disc": compact})}.items():
        try:
            pieces(graph, latent)
        except Exception as error:  # noqa: BLE001  its text is the fact
            said[name] = str(error)
    return {
        "ours": list(ours["samples"].shape),
        "shape": list(pieces(graph, ours).shape),
        "compact disc": list(pieces(graph, compact).shape) if fits else None,
        "said": said,
    }


def sound(graph: Graph) -> dict:
    """VAEEncodeAudio and both decoders, on stereo at another rate."""
    audio = {
        "waveform": 0.1 * torch.randn(2, 2, 44100, generator=torch.Generator().manual_seed(5)),
        "sample_rate": 44100,
    }
    (latent,) = VAEEncodeAudio.execute(graph.vae, audio).result
    (played,) = VAEDecodeAudio.execute(vae=graph.vae, samples=latent).result
    (tiled,) = VAEDecodeAudioTiled.execute(vae=graph.vae, samples=latent, tile_size=512, overlap=64).result
    return {
        "latent": list(latent["samples"].shape),
        "seconds": played["waveform"].shape[-1] / played["sample_rate"],
        "rate": played["sample_rate"],
        "tiled": far(tiled["waveform"], played["waveform"]),
    }


def preview(graph: Graph) -> dict:
    """The host's own latent preview of silence and of noise; see preview.py for music."""
    latent_preview.args.preview_method = LatentPreviewMethod.Latent2RGB
    shape = (1, *graph.grid.latent_shape(5.0))
    shown = latent_preview.get_previewer(torch.device("cpu"), graph.model.model.latent_format)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(6))
    images = [shown.decode_latent_to_preview_image("JPEG", x)[1] for x in (torch.zeros(shape), noise)]
    blank, seen = (torch.from_numpy(np.array(image, np.float32)) for image in images)
    return {"size": images[0].size, "apart": float((seen - blank).abs().mean()), "contrast": float(seen.std())}


def main() -> None:
    checkpoint = sys.argv[2]
    with torch.inference_mode():
        graph, pair = Graph(checkpoint), Graph(checkpoint, (0.9, 0.4))
        other = Graph(checkpoint, (0.95,))
        latent = graph.assembly.empty_latent(graph.model, 1.0, 1)
        facts = {
            "prediction": prediction(graph),
            "streamed": streamed(graph),
            "lora": lora(graph, latent),
            "masks": masks(graph, latent),
            "conditionings": conditionings(graph, other, latent),
            "latents": latents(graph),
            "sound": sound(graph),
            "preview": preview(graph),
            "two artworks": list(
                pieces(graph, graph.assembly.empty_latent(graph.model, 1.0, 2), positive=pair.positive).shape
            ),
            "not sampled": every_sampler(graph, latent),
        }
    answer(facts)


main()
