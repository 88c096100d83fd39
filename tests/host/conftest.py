from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
import torch

from ..art2music_checkpoint import write_art2music, write_words


@pytest.fixture(scope="session")
def comfyui_module():
    spec = importlib.util.spec_from_file_location("comfyui", Path(__file__).with_name("comfyui.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["comfyui"] = module
    spec.loader.exec_module(module)
    if module.ABSENT:
        pytest.skip("COMFYUI_HOME does not name a ComfyUI checkout")
    return module


@pytest.fixture(scope="session")
def published_parts(tmp_path_factory, talking_like, write_imagebind):
    """Prior, encoder and aligner in three folders, as they are after fetching, converting and exporting."""
    from art2mus_core.aligners.files import save_aligner
    from art2mus_core.aligners.projection import ProjectionAligner
    from art2mus_core.pipelines.texts import export_text

    root = tmp_path_factory.mktemp("published-parts")
    left_out = shutil.ignore_patterns("image_encoder", "audio_encoder", "aligner")
    prior = shutil.copytree(talking_like, root / "prior", ignore=left_out)
    export_text(prior)
    torch.manual_seed(2)
    write_imagebind(root / "eyes", dim=9)
    aligner = ProjectionAligner(dim=9, hidden=13, tokens=4, width=10, space="imagebind")
    path = root / "adapter" / "adapter.safetensors"
    save_aligner(path, aligner, licence="CC0-1.0", run="none", half=True, encoder="eyes")
    return {name: root / name for name in ("prior", "eyes", "adapter")}


@pytest.fixture(scope="session")
def in_words(tmp_path_factory):
    """A checkpoint that reads comments and draws its mels."""
    return write_words(write_art2music(tmp_path_factory.mktemp("in-words"), drawn=True))


@pytest.fixture(scope="session")
def models(pocket_like, published_like, published_parts, in_words):
    """Tiny checkpoints by name: `tiny`, `published`, `words`, and one in three folders."""
    return {"tiny": pocket_like, "published": published_like, "words": in_words, **published_parts}


@pytest.fixture(scope="session")
def server(comfyui_module, tmp_path_factory, models):
    """A running ComfyUI with the pack and the tiny checkpoints."""
    with comfyui_module.ComfyUI(tmp_path_factory.mktemp("comfyui"), models) as running:
        yield running
