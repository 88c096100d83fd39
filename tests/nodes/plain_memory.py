"""A memory policy without a host: every network stays on the CPU, in float32."""

from __future__ import annotations

import copy
from contextlib import contextmanager

import torch
from torch import nn


class PlainMemory:
    """Fills the protocol `Memory` of the pack.

    Args:
        denoiser: the pack's `LatentDenoiser`.
        merged: a UNet with the student's LoRA of a model's facts.
    """

    dtype = torch.float32

    def __init__(self, denoiser, merged=None) -> None:
        self.denoiser, self.merged = denoiser, merged

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

    def as_student(self, model):
        unet, info = model
        return self.merged(copy.deepcopy(unet), info), info

    @contextmanager
    def denoising(self, model, pieces, frames):
        yield self.denoiser(model[0]), torch.device("cpu")

    def reporter(self, total, *, preview=None, amount=str):
        return lambda _: None
