"""A memory policy without a host: every network stays on the CPU, in float32."""

from __future__ import annotations

from contextlib import contextmanager

import torch
from torch import nn


class PlainMemory:
    """Fills the protocol `Memory` of the pack.

    Args:
        denoiser: the pack's `LatentDenoiser`.
    """

    dtype = torch.float32

    def __init__(self, denoiser) -> None:
        self.denoiser = denoiser

    def manage(self, networks):
        return nn.ModuleDict(networks)

    @contextmanager
    def resident(self, managed, *, working=0):
        yield torch.device("cpu")

    def to_intermediate(self, tensor):
        return tensor.to("cpu", torch.float32)

    def model(self, unet, info):
        return unet, info

    def info(self, model):
        return model[1]

    @contextmanager
    def denoising(self, model, pieces, frames):
        yield self.denoiser(model[0]), torch.device("cpu")

    def reporter(self, total, *, preview=None, amount=str):
        return lambda _: None
