"""The stage `aligner`: what is trained and what is not, the null prompt, the alignment term, training without pairs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from art2mus_core.aligners.files import read_header
from art2mus_core.datasets.listing import list_source
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.datasets.scanning import scan_artworks, scan_music
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.datasets.tables import ARTWORKS
from art2mus_core.datasets.workers import spread
from art2mus_core.digests import tensor_digest
from art2mus_core.errors import DatasetError, SettingError
from art2mus_core.pipelines import load
from art2mus_core.training.batches import Draw
from art2mus_core.training.objectives.alignment import ALIGNMENTS
from art2mus_core.training.objectives.sources import blurred
from art2mus_core.training.stages import stage_builder
from art2mus_core.types import Embedding

from .conftest import DIM, MODELS

ALIGNED = {"alignment": {"kind": "variance", "weight": 0.1, "pairs": 4}}
KINDS: dict[str, dict[str, Any]] = {
    "visual": MODELS["aligner"],
    "projection": {**MODELS["aligner"], "kind": "projection"},
    "resampler": {"kind": "resampler", "hidden": 16, "heads": 4, "depth": 1, "tokens": 3},
}


def step_of(objective: Any, rows: int = 3) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The loss of a batch and its terms, after a backward pass."""
    loss, terms = objective.train()(objective.batch(Draw(np.random.default_rng(0), rows)))
    loss.backward()
    return loss, terms


@pytest.mark.parametrize("model", KINDS.values(), ids=KINDS)
def test_only_the_aligner_is_trained_whatever_its_kind(  # noqa: PLR0917
    train_stage, pairs: Path, tiny, trained: Path, model: dict[str, Any], tmp_path: Path
):
    config = tiny("aligner", {**ALIGNED, "drop": 0.5, "name": "mine"}, model=model, steps=2)
    before = stage_builder(config, pairs, trained)()
    frozen = tensor_digest({key: value for key, value in before.state_dict().items() if ".aligner" not in f".{key}"})
    step_of(before)
    owned = {name for name, weight in before.named_parameters() if weight.grad is not None}
    assert owned == {name for name, _ in before.named_parameters() if name.startswith("aligner.")}
    objective, _ = train_stage(config, trained, tmp_path)
    after = {key: value for key, value in objective.state_dict().items() if ".aligner" not in f".{key}"}
    assert tensor_digest(after) == frozen
    learnt = objective.aligner.state_dict()
    assert not [key for key, value in before.aligner.state_dict().items() if torch.equal(value, learnt[key])]


@pytest.mark.parametrize("model", KINDS.values(), ids=KINDS)
def test_a_trained_file_says_what_its_network_said(
    train_stage, tiny, trained: Path, model: dict[str, Any], tmp_path: Path
):
    folder = shutil.copytree(trained, tmp_path / "own")
    objective, _ = train_stage(
        tiny("aligner", {**ALIGNED, "drop": 0.5}, model=model, steps=1), folder, tmp_path / "run"
    )
    objective.export(folder)
    pipeline, embedding = load(str(folder)), load(str(folder)).embed([paint(3), paint(4)])
    with torch.no_grad():
        sides = pipeline.condition(embedding), objective._sides(embedding)
        for made, trained_for in zip(*sides, strict=True):
            torch.testing.assert_close(made.language, trained_for.language, rtol=5e-3, atol=5e-3)  # stored in float16
    assert not torch.allclose(sides[0][1].language, pipeline.parts.constants.unconditional_language, atol=1e-2)


def test_dropped_examples_teach_the_null_prompt_alone(pairs: Path, tiny, trained: Path):
    objective = stage_builder(tiny("aligner", {"alignment": None, "drop": 0.9}), pairs, trained)()
    batch = objective.batch(Draw(np.random.default_rng(0), 5))
    for dropped, learns in ((True, {"aligner.null"}), (False, set())):
        objective.zero_grad(set_to_none=True)
        told = replace(batch, dropped=torch.full((5,), dropped))
        objective.losses(told).mean().backward()
        moved = {name for name, weight in objective.named_parameters() if weight.grad is not None and weight.grad.any()}
        assert (moved == learns) is dropped
        assert ("aligner.null" in moved) is dropped
    assert batch.dropped.any()
    assert not batch.plan.step[batch.dropped].any()
    assert batch.plan.step[~batch.dropped].all()


def test_the_negative_branch_of_the_checkpoint_teaches_nothing(pairs: Path, tiny, trained: Path):
    objective = stage_builder(tiny("aligner", {"alignment": None, "drop": 0.5, "null": "negative"}), pairs, trained)()
    batch = objective.batch(Draw(np.random.default_rng(0), 5))
    objective.losses(replace(batch, dropped=torch.ones(5, dtype=torch.bool))).mean().backward()
    assert not [name for name, weight in objective.named_parameters() if weight.grad is not None and weight.grad.any()]
    assert objective.aligner.null is None


def test_draws_without_options_are_those_of_the_options(pairs: Path, tiny, trained: Path):
    """A null prompt changes no other draw of a step."""
    plain, dropping = (
        stage_builder(tiny("aligner", {**ALIGNED, "drop": share}), pairs, trained)().batch(
            Draw(np.random.default_rng(0), 5)
        )
        for share in (0.0, 0.5)
    )
    assert torch.equal(plain.noise, dropping.noise)
    assert torch.equal(plain.picture.values, dropping.picture.values)
    assert plain.dropped is None


def test_the_weighted_loss_is_the_weighted_mean(pairs: Path, tiny, trained: Path):
    from art2mus_core.training.objectives.weighting import WEIGHTINGS

    losses = {}
    for weighting in ("uniform", "min-snr"):
        torch.manual_seed(0)
        options = {"alignment": None, "weighting": weighting, "gamma": 2.0}
        objective = stage_builder(tiny("aligner", options), pairs, trained)()
        batch = objective.batch(Draw(np.random.default_rng(0), 5))
        losses[weighting], terms = objective(batch)
        single = objective.losses(batch)
        assert set(terms) == {"loss t 0-249", "loss t 250-499", "loss t 500-749", "loss t 750-999"}
        expected = (WEIGHTINGS[weighting](objective.levels, batch.t, 2.0) * single).mean()
        torch.testing.assert_close(losses[weighting], expected)
        assert single.mean().item() == pytest.approx(objective.losses(batch).mean().item())
    assert not torch.allclose(*losses.values())


@pytest.mark.parametrize("kind", ALIGNMENTS)
def test_sounds_that_are_all_the_same_give_a_finite_term(kind: str):
    found = torch.randn(4, 7, requires_grad=True)
    error = ALIGNMENTS[kind](found, torch.full((4, 7), 0.1), 0.1)
    error.backward()
    assert error.isfinite()
    assert found.grad.isfinite().all()


@pytest.mark.parametrize("kind", ALIGNMENTS)
def test_an_alignment_term_is_least_where_both_agree(pairs: Path, tiny, trained: Path, kind: str):
    torch.manual_seed(0)
    wanted, other = torch.randn(6, 20) + 3, torch.randn(6, 20) + 3
    compare = ALIGNMENTS[kind]
    assert compare(wanted, wanted, 0.1) < compare(wanted + 0.1 * other, wanted, 0.1) < compare(other, wanted, 0.1)
    objective = stage_builder(
        tiny("aligner", {"alignment": {"kind": kind, "weight": 0.3, "pairs": 4}}), pairs, trained
    )()
    loss, terms = step_of(objective)
    torch.testing.assert_close(loss, terms["diffusion"] + 0.3 * terms["alignment"])


GAPS = {"none": {}, "shift": {"gap": "shift"}, "calibrated": {"gap": "calibrated", "calibration": 3}}


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_music_alone_trains_an_aligner_for_artworks(
    train_stage, tiny, trained: Path, gap: dict[str, Any], tmp_path: Path
):
    folder = shutil.copytree(trained, tmp_path / "own")
    options = {**ALIGNED, "source": "audio", "gap_noise": 0.3, "name": "heard", **gap}
    objective, history = train_stage(tiny("aligner", options, steps=1), folder, tmp_path / "run")
    batch = objective.batch(Draw(np.random.default_rng(0), 3))
    assert batch.embedding.heard
    assert batch.picture.heard
    assert ("validation loss from artworks" in history[-1]) == bool(gap)
    objective.export(folder)
    assert read_header(folder / "aligner/heard.safetensors").run == f"music alone, gap {gap.get('gap', 'none')}"
    pipeline = load(str(folder), aligner="heard")
    embedding = pipeline.embed([paint(3)])
    moved = pipeline.parts.aligner.gap(embedding.values) if gap else embedding.values
    assert torch.equal(moved, embedding.values) != bool(gap)
    with torch.no_grad():
        wanted = objective.aligner(moved)
        torch.testing.assert_close(pipeline.parts.aligner.align(embedding).values, wanted, rtol=5e-3, atol=5e-3)


def test_without_a_closure_no_artwork_is_read(train_stage, tiny, trained: Path, pairs: Path, tmp_path: Path):
    from art2mus_core.training.loop import train

    data = tmp_path / "music"
    shutil.copytree(pairs / "music", data / "music")
    write_manifest(data, [replace(pair, artwork="none.png", character={}) for pair in read_manifest(pairs)])
    config = tiny("aligner", {**ALIGNED, "source": "audio"}, steps=1)
    objective, history = train(stage_builder(config, data, trained), config, tmp_path / "run")
    assert objective.artworks is None
    assert np.isfinite(history[-1]["validation loss"])


def test_noise_blurs_embeddings_and_keeps_their_length():
    values = torch.randn(9, DIM)
    draw: Callable[[], Draw] = lambda: Draw(np.random.default_rng(0), 9)  # noqa: E731
    found = blurred(draw(), Embedding(values, "tiny"), 0.5)
    torch.testing.assert_close(found.values.norm(dim=-1), values.norm(dim=-1))
    assert not torch.allclose(found.values, values, atol=1e-2)
    assert torch.equal(blurred(draw(), Embedding(values, "tiny"), 0.0).values, values)
    parts = [
        blurred(Draw(np.random.default_rng(0), 9, rank, 2), Embedding(part, "tiny"), 0.5)
        for rank, part in enumerate((values[:4], values[4:]))
    ]
    torch.testing.assert_close(torch.cat([part.values for part in parts]), found.values)


def test_sounds_have_no_patches_to_train_on(pairs: Path, tiny, trained: Path):
    config = tiny("aligner", {"source": "audio"}, model=KINDS["resampler"])
    with pytest.raises(SettingError, match="because sounds have no patches"):
        stage_builder(config, pairs, trained)()


@pytest.fixture(scope="module")
def unpaired(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artworks and music that were scanned, and are no pairs. Not to be written to."""
    data, alone = tmp_path_factory.mktemp("unpaired"), partial(spread, workers=1)
    scan_artworks(list_source(data, "artworks", pairs / "artworks", "folder"), data, alone)
    scan_music(list_source(data, "music", pairs / "music", "folder"), data, alone)
    return data


def test_a_shift_needs_no_pairs(unpaired: Path, tiny, trained: Path):
    config = tiny("aligner", {**ALIGNED, "source": "audio", "gap": "shift"})
    objective = stage_builder(config, unpaired, trained)()
    seen, heard = (torch.from_numpy(each.everything) for each in (objective.artworks, objective.embeddings))
    assert (len(seen), len(heard)) == (7, 7)
    moved = objective.aligner.gap.moved(seen)
    torch.testing.assert_close(moved.mean(0), heard.mean(0), rtol=1e-3, atol=1e-5)
    assert step_of(objective)[0].isfinite()


@pytest.mark.parametrize("options", [{}, {"source": "audio", "gap": "calibrated"}], ids=["image", "calibrated"])
def test_what_needs_pairs_says_so(unpaired: Path, tiny, trained: Path, options: dict[str, Any]):
    with pytest.raises(DatasetError, match="has no pairs; expected pairs, unless with `source: audio`"):
        stage_builder(tiny("aligner", {"alignment": None, **options}), unpaired, trained)()


def test_a_shift_needs_artworks(unpaired: Path, tiny, trained: Path, tmp_path: Path):
    data = shutil.copytree(unpaired, tmp_path / "music")
    (data / ARTWORKS.file).unlink()
    with pytest.raises(DatasetError, match=r"no artworks in .*; or set `gap: none`"):
        stage_builder(tiny("aligner", {"alignment": None, "source": "audio", "gap": "shift"}), data, trained)()
