"""Art2Music's files, as they are published, at a tiny size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from art2mus_core.networks.bilstm import BiLstmDecoder
from art2mus_core.networks.fusion import GatedFusion

V1 = {
    "resblock": "1",
    "num_mels": 9,
    "n_fft": 1024,
    "hop_size": 256,
    "win_size": 1024,
    "sampling_rate": 22050,
    "fmin": 0,
    "fmax": 8000,
    "upsample_rates": [8, 8, 4],
    "upsample_kernel_sizes": [16, 16, 8],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3]],
}
SIZES = {"fused_dim": 3, "dim": 7, "hidden_dim": 5, "layers": 2, "max_frames": 13}


def conv(kind, *sizes, **options):
    """A convolution with weight norm, under the published names of its halves."""
    return nn.utils.weight_norm(kind(*sizes, **options))


def generator():
    """HiFi-GAN's own modules, by the names of its code."""
    root = nn.Module()
    root.conv_pre, root.conv_post = conv(nn.Conv1d, 9, 16, 7), conv(nn.Conv1d, 2, 1, 7)
    root.ups = nn.ModuleList(
        conv(nn.ConvTranspose1d, 16 >> level, 8 >> level, k) for level, k in enumerate((16, 16, 8))
    )
    root.resblocks = nn.ModuleList()
    for channels in (8, 4, 2):
        block = nn.Module()
        block.convs1, block.convs2 = (
            nn.ModuleList(conv(nn.Conv1d, channels, channels, 3) for _ in range(2)) for _ in range(2)
        )
        root.resblocks.append(block)
    return root


def write_published(folder: Path) -> list[Path]:
    """Write the mel decoder, the fusion and the vocoder with its config.json; return the three files of weights."""
    torch.manual_seed(0)
    files = [folder / name for name in ("decoder.pth", "fusion.pth", "g_02500000")]
    torch.save(BiLstmDecoder({**SIZES, "mel": {"mel_bins": 9}}).state_dict(), files[0])
    torch.save(GatedFusion({"text_dim": 11, "image_dim": 11, "dim": 3}).state_dict(), files[1])
    with pytest.warns(FutureWarning, match="weight_norm"):
        torch.save({"generator": generator().state_dict()}, files[2])
    (folder / "config.json").write_text(json.dumps(V1))
    return files
