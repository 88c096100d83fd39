"""The bundled model's student in the sampler, with one copy of the denoiser's weights."""

from __future__ import annotations

import pytest
import torch

from art2mus_core.audio.reading import read_audio

from .graphs import in_four_nodes

pytestmark = pytest.mark.host

SETTINGS = {"seconds": 1.0, "shared_noise": False, "level": False, "reprise": 0.9}


def music(server, preset: str) -> torch.Tensor:
    graph = in_four_nodes("pocket", "pocket", **SETTINGS, seed=3, preset=preset)
    (path,) = server.outputs(server.run(graph))
    return read_audio(path, mono=False).samples


def test_the_presets_of_a_graph_play_what_the_core_plays(server):
    from art2mus_core.images.listing import samples
    from art2mus_core.images.reading import read_artwork
    from art2mus_core.pipelines import load

    before = len(server.log.read_text())
    exact, instant, again = (music(server, preset) for preset in ("exact", "instant", "exact"))
    assert torch.equal(again, exact)  # the student's changes were taken back
    said = server.log.read_text()[before:]
    assert not [words for words in ("lora key not loaded", "NOT LOADED", "ERROR") if words in said]
    artwork, pipeline = read_artwork(samples()["silver_forest"]), load("pocket")
    for preset, found in (("exact", exact), ("instant", instant)):
        (ours,) = pipeline.compose([artwork], seeds=[3], **SETTINGS, preset=preset)
        torch.testing.assert_close(found, ours.samples, rtol=0, atol=2e-3)
    assert (instant - exact).abs().max() > 0.01
