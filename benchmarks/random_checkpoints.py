"""Writes full-size checkpoints with random weights in the published layouts of ImageBind, AudioLDM2 and Art2Mus 2024.

    python benchmarks/random_checkpoints.py CONFIGURATIONS FOLDER

CONFIGURATIONS has AudioLDM2's published configuration files. FOLDER, which can be used as ART2MUS_HOME, gets `imagebind`,
`audioldm2`, `art2mus-2024` and `art2mus-2024-4`: 9.3 GB in float32, as published. Existing parts are kept. At most one network
is in memory at a time; ImageBind's file is filled through a memory map.
"""

from __future__ import annotations

import argparse
import json
import math
import mmap
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.audioldm2 import modeling_audioldm2 as audioldm2
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor, nn

from art2mus_core.encoders.imagebind import TOWERS
from art2mus_core.encoders.imagebind_files import HUGE, published_key
from art2mus_core.pipelines.texts import SUPPORTS

ALIGNERS = {"art2mus-2024": ("art2mus_img_proj_layer.pt", 1), "art2mus-2024-4": ("art2mus_4_img_proj_layer.pt", 4)}
"""File name and number of prompt tokens by folder."""

SIGHT, HIDDEN = 1024, 1536
"""Widths of ImageBind's embedding and of the 2024 projection."""

Shapes = dict[str, tuple[int, ...]]

UNUSED: dict[str, dict[str, Any]] = {
    "text": {"width": 1024, "blocks": 24},
    "depth": {"width": 384, "blocks": 12, "stem": "depth_stem", "kernel": (1, 16, 16), "tokens": 197},
    "thermal": {"width": 768, "blocks": 12, "stem": "rgbt_stem", "kernel": (1, 16, 16), "tokens": 197},
    "imu": {"width": 512, "blocks": 6, "stem": "imu_stem", "kernel": (48,), "tokens": 251, "head": 3},
}
"""ImageBind's encoders that are not used here; all except the text encoder have an additional key and value in every attention."""

WORDS, LENGTH = 49408, 77
"""Vocabulary of ImageBind's text encoder."""


def draw(name: str, value: Tensor) -> None:
    """Fill a weight in place: scales near 1, biases near 0, other weights scaled to preserve the signals' variance."""
    if not value.is_floating_point() or value.dim() == 0:
        return
    if value.dim() == 1:
        around = 1.0 if name.endswith("weight") else 0.0
        value.uniform_(-0.1, 0.1).add_(around)
        return
    inputs = math.prod(value.shape[1:]) if value.dim() > 2 else max(value.shape)
    limit = 0.05 if "embed" in name or "token" in name else inputs**-0.5
    value.uniform_(-limit, limit)


# ImageBind: one file of 1311 tensors.


def imagebind_shapes() -> Shapes:
    shapes: Shapes = {}
    for tower, build in TOWERS.items():
        with torch.device("meta"):
            network = build(HUGE[tower])
        shapes |= {published_key(tower, key): tuple(value.shape) for key, value in network.state_dict().items()}
    for tower, sizes in UNUSED.items():
        shapes |= dict(_unused_tower(tower, **sizes))
    return shapes


def _unused_tower(
    tower: str, width: int, blocks: int, *, stem: str = "", kernel: tuple[int, ...] = (), tokens: int = 0, head: int = 2
) -> Iterator[tuple[str, tuple[int, ...]]]:
    before, behind = f"modality_preprocessors.{tower}", f"modality_heads.{tower}"
    if stem:
        positions = "pos_embed" if tower == "imu" else "pos_embedding_helper.pos_embed"
        yield f"{before}.cls_token", (1, 1, width)
        yield f"{before}.{positions}", (1, tokens, width)
        yield f"{before}.{stem}.proj.weight", (width, *kernel)
        yield from _norm(f"{before}.{stem}.norm_layer", width)
        yield from _norm(f"{behind}.0", width)
        yield f"{behind}.{head}.weight", (SIGHT, width)
    else:
        yield f"{before}.pos_embed", (1, LENGTH, width)
        yield f"{before}.mask", (LENGTH, LENGTH)
        yield f"{before}.token_embedding.weight", (WORDS, width)
        yield from _norm(f"{behind}.proj.0", width)
        yield f"{behind}.proj.1.weight", (SIGHT, width)
    yield f"modality_postprocessors.{tower}.1.log_logit_scale", ()
    for index in range(blocks):
        yield from _block(f"modality_trunks.{tower}.blocks.{index}", width, extra=bool(stem))


def _block(name: str, width: int, *, extra: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    layers = {"attn.out_proj": (width, width), "mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}
    yield f"{name}.attn.in_proj_weight", (3 * width, width)
    yield f"{name}.attn.in_proj_bias", (3 * width,)
    for layer, shape in layers.items():
        yield f"{name}.{layer}.weight", shape
        yield f"{name}.{layer}.bias", shape[:1]
    for part in ("norm_1", "norm_2"):
        yield from _norm(f"{name}.{part}", width)
    if extra:
        yield f"{name}.attn.bias_k", (1, 1, width)
        yield f"{name}.attn.bias_v", (1, 1, width)


def _norm(name: str, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


def write_imagebind(path: Path) -> None:
    """Write the file with space for every tensor, then fill the tensors through a memory map."""
    partial = path.with_name("partial.pth")
    empty = {key: torch.empty(shape) for key, shape in imagebind_shapes().items()}  # not allocated until written
    with torch.serialization.skip_data():
        torch.save(empty, partial)
    with torch.serialization.set_default_mmap_options(mmap.MAP_SHARED):
        mapped = torch.load(partial, mmap=True, weights_only=True)
    for key, value in mapped.items():
        draw(key, value)
    partial.replace(path)


# AudioLDM2: a folder of networks.


def networks() -> dict[str, Callable[[dict[str, Any]], nn.Module]]:
    """Functions that build a component from its configuration, by name."""

    def transformed(model: str, config: str) -> Callable[[dict[str, Any]], nn.Module]:
        return lambda content: getattr(transformers, model)(getattr(transformers, config)(**content))

    return {
        "unet": audioldm2.AudioLDM2UNet2DConditionModel.from_config,
        "projection_model": audioldm2.AudioLDM2ProjectionModel.from_config,
        "vae": diffusers.AutoencoderKL.from_config,
        "vocoder": transformed("SpeechT5HifiGan", "SpeechT5HifiGanConfig"),
        "language_model": transformed("GPT2Model", "GPT2Config"),
        "text_encoder": transformed("ClapModel", "ClapConfig"),
        "text_encoder_2": transformed("T5EncoderModel", "T5Config"),
    }


@torch.no_grad()
def write_component(configurations: Path, folder: Path, build: Callable[[dict[str, Any]], nn.Module]) -> None:
    """Build a network from its published configuration and save it with its library; the published configuration is kept."""
    published = configurations / folder.name / "config.json"
    network = build(json.loads(published.read_text(encoding="utf-8")))
    for name, value in network.named_parameters():
        draw(name, value)
    network.save_pretrained(folder)
    shutil.copyfile(published, folder / "config.json")


def write_tokenizers(folder: Path) -> None:
    """Tokenizers of single letters. T5's vocabulary also has the words of the support prompts, so they have their real lengths."""
    letters = sorted(ByteLevel.alphabet())
    words = {word: index for index, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *letters, "<mask>"])}
    transformers.RobertaTokenizer(vocab=words, merges=[], model_max_length=512).save_pretrained(folder / "tokenizer")
    known = sorted({f"▁{word}" for prompt in SUPPORTS.values() for word in prompt.split()} | {"▁Low", "▁quality"})
    signs = [chr(code) for code in range(33, 127)]
    pieces = [
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        ("▁", -2.0),
        *((piece, -4.0) for piece in [*known, *signs]),
    ]
    transformers.T5Tokenizer(vocab=pieces, model_max_length=512).save_pretrained(folder / "tokenizer_2")


def write_audioldm2(configurations: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for part in ("scheduler", "feature_extractor"):
        shutil.copytree(configurations / part, folder / part, copy_function=shutil.copyfile, dirs_exist_ok=True)
    write_tokenizers(folder)
    for name, build in networks().items():
        if not any((folder / name).glob("*.safetensors")):
            print(f"writing {folder / name}", file=sys.stderr)
            write_component(configurations, folder / name, build)
    shutil.copyfile(configurations / "model_index.json", folder / "model_index.json")


def write_aligner(path: Path, tokens: int, width: int) -> None:
    shapes = {"projection1": (HIDDEN, SIGHT), "projection2": (tokens * width, HIDDEN)}
    state: dict[str, Tensor] = {}
    for layer, shape in shapes.items():
        state |= {f"{layer}.weight": torch.empty(shape), f"{layer}.bias": torch.empty(shape[:1])}
    for key, value in state.items():
        draw(key, value)
    torch.save(state, path)


def write(configurations: Path, folder: Path) -> None:
    """Write all parts that don't exist yet."""
    torch.manual_seed(0)
    transformers.logging.disable_progress_bar()
    language = json.loads((configurations / "language_model" / "config.json").read_text(encoding="utf-8"))
    for name, (file, tokens) in ALIGNERS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        write_aligner(folder / name / file, tokens, language["n_embd"])
    imagebind = folder / "imagebind" / "imagebind_huge.pth"
    if not imagebind.is_file():
        print(f"writing {imagebind}", file=sys.stderr)
        imagebind.parent.mkdir(exist_ok=True)
        write_imagebind(imagebind)
    write_audioldm2(configurations, folder / "audioldm2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configurations", type=Path)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    write(chosen.configurations, chosen.folder)


if __name__ == "__main__":
    main()
