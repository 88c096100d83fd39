"""Every wrong connection is told in words that name the node to connect instead."""

from __future__ import annotations

import pytest

from .running import run

pytestmark = pytest.mark.host

REMEDIES = {
    "vae": "Connect the VAE of the same Load Art2Mus Model",
    "no vae of ours": "Connect the VAE of the same Load Art2Mus Model",
    "negative": "Use a core sampler",
    "two negatives": "Connect the negative output of the same Image Aligner",
    "sentence, ours": "Connect the Image Aligner of the same model",
    "sentence, core": "Connect the Image Aligner of the same model",
    "sentence of our width": "that no Image Aligner made",
    "latent, core": "Connect Empty Art2Mus Latent",
    "latent, decoded": "Connect Empty Art2Mus Latent",
    "picture, encoded": "Use VAE Encode Audio",
    "picture, decoded": "VAE Decode Audio",
}


@pytest.fixture(scope="module")
def said(comfyui_module, pocket_like, published_like):
    return run(comfyui_module, "misuse.py", pocket_like, published_like)


@pytest.mark.parametrize("what", REMEDIES)
def test_what_is_wrong_is_said_with_the_way_out(said, what):
    assert REMEDIES[what] in said[what]


def test_nothing_else_is_tried(said):
    assert said.keys() == REMEDIES.keys()
