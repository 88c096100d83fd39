"""Ground for scripts that run in the host's process (start_host.py --run): the pack's modules, and an answer in JSON."""

from __future__ import annotations

import importlib
import json
import sys
import types

import comfy.cli_args

comfy.cli_args.args.cpu = True

import torch  # noqa: E402
import utils.extra_config  # noqa: E402, F401  first, as main.py does: later another `utils` would be found on older hosts

torch.set_num_threads(1)  # the networks are tiny


def pack(name: str) -> types.ModuleType:
    """A module of the pack that the first argument names, as the host imports it: by path."""
    if "pack" not in sys.modules:
        sys.modules["pack"] = types.ModuleType("pack")
        sys.modules["pack"].__path__ = [sys.argv[1]]
    return importlib.import_module(f"pack.{name}")


def answer(facts: object) -> None:
    """The last line of the output."""
    sys.stdout.write("\n" + json.dumps(facts) + "\n")


class Graph:
    """A checkpoint's MODEL, VAE and CONDITIONING of plain artworks, made by the nodes' own functions."""

    def __init__(self, checkpoint: str, colours: tuple[float, ...] = (0.2,)) -> None:
        self.assembly = pack("nodes.assembly")
        types_ = pack("art2mus_core.types")
        self.model, self.vae, self.language = self.assembly.load_parts(checkpoint)
        self.grid = self.model.model.info.grid
        shades = [torch.full((3, 20, 30), round(255 * colour), dtype=torch.uint8) for colour in colours]
        for index, shade in enumerate(shades):
            shade[index % 3, :, ::2] //= 3
        artworks = list(map(types_.Artwork, shades))
        encoded = self.assembly.encode_artworks(artworks, checkpoint, hashes=["none"] * len(shades))
        self.positive, self.negative = self.assembly.align(encoded, self.language, "model", 1.0)
