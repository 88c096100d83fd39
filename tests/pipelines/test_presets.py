"""Settings by name: what a checkpoint says about them, what is chosen beside them, and what they cost."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from art2mus_core.diffusion.schedules import schedule
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.pipelines import load
from art2mus_core.pipelines.defaults import PUBLISHED, read_presets
from art2mus_core.pipelines.presets import BALANCED, CUSTOM, EXACT, PRESETS, precision_of
from art2mus_core.pipelines.settings import Settings, check_settings
from art2mus_core.types import Artwork

LEVELS = {"num_train_timesteps": 1000, "beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"}
"""Those of AudioLDM 2."""


def artwork(number):
    pixels = torch.randint(256, (3, 21, 34), dtype=torch.uint8, generator=torch.Generator().manual_seed(number))
    return Artwork(pixels)


def presets_of(folder, **index):
    return read_presets(index, None, folder)


@pytest.fixture
def quick(checkpoint, tmp_path):
    """A checkpoint with a preset `fast`; its folder."""
    folder = tmp_path / "quick"
    folder.mkdir()
    for each in checkpoint.iterdir():
        (folder / each.name).symlink_to(each)
    path = folder / "model_index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    index["art2mus"] = {"steps": 4, "guidance": 1.7, "solver": "dpm++2m-karras"}
    index["art2mus_presets"] = {"fast": {"guided_below": 0.8}}
    path.write_text(json.dumps(index), encoding="utf-8")
    return folder


def test_settings_of_the_checkpoint_are_exact_and_balanced(tmp_path):
    own = {"steps": 5, "guidance": 2.5, "solver": "ddim"}
    found = presets_of(tmp_path, art2mus=own)
    assert found == {name: Settings(**own, preset=name) for name in (EXACT, BALANCED)}


def test_a_preset_says_what_differs_from_exact(tmp_path):
    own = {"steps": 8, "guidance": 2.5}
    others = {"instant": {"steps": 1, "guidance": 1.0}, "fast": {"steps": 6}, "balanced": {"guided_below": 0.5}}
    found = presets_of(tmp_path, art2mus=own, art2mus_presets=others)
    assert list(found) == list(PRESETS)
    assert found["exact"] == Settings(**own, preset="exact")
    assert found["balanced"] == Settings(**own, guided_below=0.5, preset="balanced")
    assert found["fast"] == Settings(steps=6, guidance=2.5, preset="fast")
    assert found["instant"] == Settings(steps=1, guidance=1.0, preset="instant")


def test_a_checkpoint_that_says_nothing_has_those_of_the_publications(tmp_path):
    assert presets_of(tmp_path) == PUBLISHED
    assert presets_of(tmp_path, art2mus_presets={"fast": {"steps": 7}})["exact"] == PUBLISHED["exact"]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_published_preset_costs_less_than_the_one_before(preset):
    def evaluations(settings):
        visited = schedule(LEVELS, settings.solver, settings.steps).timesteps
        return len(visited) + int((visited < settings.guided_below * 1000).sum())

    before = PRESETS.index(preset) - 1
    if preset in PUBLISHED and before >= 0:
        assert evaluations(PUBLISHED[preset]) <= 0.6 * evaluations(PUBLISHED[PRESETS[before]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"slow": {}},
        {"custom": {}},
        {"fast": {"steps": 0}},
        {"fast": {"tempo": 90}},
        {"fast": 6},
        [],
        {"fast": {"solver": "x"}},
    ],
    ids=str,
)
def test_presets_that_mean_nothing_are_refused(wrong, tmp_path):
    with pytest.raises(CheckpointError, match="defaults that cannot be used"):
        presets_of(tmp_path, art2mus={}, art2mus_presets=wrong)


def test_steps_of_a_preset_are_checked_with_the_noise_levels(quick):
    path = quick / "model_index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    index["art2mus_presets"]["fast"] = {"steps": 1001}
    path.write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(CheckpointError, match="1001"):
        load(str(quick))


def test_what_is_given_beside_a_preset_counts_more(quick):
    pipeline = load(str(quick))
    presets = pipeline.parts.presets
    assert pipeline.settings() == presets["balanced"] == pipeline.parts.defaults
    assert pipeline.settings(preset="fast") == presets["fast"]
    assert pipeline.settings(preset="fast", steps=3, guidance=None) == replace(presets["fast"], steps=3)
    assert pipeline.settings(preset="exact", guided_below=0.3) == replace(presets["exact"], guided_below=0.3)


def test_a_preset_that_the_checkpoint_lacks_is_told_with_those_it_has(quick):
    pipeline = load(str(quick))
    with pytest.raises(SettingError, match="no preset 'instant' in quick; expected one of exact, balanced, fast"):
        pipeline.settings(preset="instant")


@pytest.mark.parametrize("name", ["slow", "Exact", "", CUSTOM])
def test_a_name_that_is_no_preset_is_refused_without_torch(name):
    with pytest.raises(SettingError, match="exact, balanced, fast, instant"):
        check_settings(preset=name)
    code = "import sys; from art2mus_core.pipelines import settings; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_exact_asks_for_float32():
    assert [precision_of(name) for name in (None, *PRESETS)] == ["auto", "float32", "auto", "auto", "auto"]


def test_presets_make_music_alike_for_a_batch_and_for_each_alone(quick):
    pipeline, pictures = load(str(quick)), [artwork(1), artwork(2)]
    exact, balanced = (pipeline.compose(pictures, seconds=1.1, preset=name) for name in ("exact", "balanced"))
    fast = pipeline.compose(pictures, seconds=1.1, preset="fast")
    for first, second, third, picture in zip(exact, balanced, fast, pictures, strict=True):
        assert torch.equal(first.samples, second.samples)
        assert not torch.equal(first.samples, third.samples)
        (alone,) = pipeline.compose([picture], seconds=1.1, preset="fast")
        assert torch.allclose(alone.samples, third.samples, atol=1e-4)


def test_the_preset_is_among_the_tags(quick):
    from art2mus_core.pipelines.prompts import PromptText

    pipeline = load(str(quick))
    tags = pipeline.tags(pipeline.settings(preset="fast", steps=3), PromptText())
    assert (tags["preset"], tags["steps"], tags["guided_below"]) == ("fast", "3", "0.8")


@pytest.mark.parametrize("other", [{"steps": 3}, {"solver": "ddim"}, {"guidance": 2.0}, {"guided_below": 0.5}], ids=str)
def test_a_student_keeps_what_it_was_trained_with(other):
    (name,) = other
    with pytest.raises(SettingError, match=f"{name} with the preset instant"):
        check_settings(preset="instant", **other)
    assert check_settings(preset="instant", steps=None, seconds=2.0) == {"preset": "instant", "seconds": 2.0}
