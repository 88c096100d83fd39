from __future__ import annotations

import math
from pathlib import Path

import pytest

from art2mus_core.diffusion.plan import CHANNELS as PLAN
from art2mus_core.encoders.efficientnet_files import JOINT
from art2mus_core.errors import SettingError
from art2mus_core.training.config import STAGES, TrainingConfig
from art2mus_core.training.loop import learning_rate_at

GOOD = "stage: vae\nsteps: 10\nbatch: 2\nlearning_rate: 1.0e-3\n"


ALIGNERS = {
    *("aligner-shuffled", "aligner-no-pairs", "aligner-resampler", "art2mus-2024", "art2mus-2024-4", "arttomus-2026"),
    *(f"arttomus-2026-{variant}" for variant in ("clip", "no-pairs", "resampler")),
}
ART2MUSIC = {
    "art2music-codec": "codec",
    "art2music-vocoder": "hifigan",
    "art2music-tonewheel": "vocoder",
    **dict.fromkeys(("art2music", "art2music-2025", "art2music-regression"), "mel"),
}


def test_every_stage_has_a_packaged_configuration():
    assert set(TrainingConfig.packaged()) == {*STAGES[:6], "embedding-image", *ALIGNERS, *ART2MUSIC}
    assert {*STAGES[6:]} == {*ART2MUSIC.values()} - {*STAGES[:6]}
    for name in TrainingConfig.packaged():
        config = TrainingConfig.load(name)
        assert config.stage == ("aligner" if name in ALIGNERS else ART2MUSIC.get(name, name.split("-")[0]))
        assert config.model or config.options.get("frozen_audio") or config.stage == "student", name
        assert config.options


def test_the_set_up_of_2024_is_that_of_its_authors():
    one, four = TrainingConfig.load("art2mus-2024"), TrainingConfig.load("art2mus-2024-4")
    assert (one.batch, one.learning_rate, one.weight_decay, one.clip, one.ema) == (16, 2e-5, 0.01, 1.0, 0.0)
    assert {learning_rate_at(step, one) for step in (0, 5000, 9999)} == {2e-5}
    assert one.model == {"kind": "projection", "hidden": 1536, "tokens": 1}
    assert four == one.model_copy(
        update={"model": {**one.model, "tokens": 4}, "options": {**one.options, "name": "retrained-2024-4"}}
    )


def test_variants_are_small_deltas():
    for name in ALIGNERS:
        lines = [line for line in TrainingConfig.packaged()[name].read_text().splitlines() if not line.startswith("#")]
        if lines[0].startswith("base:"):
            assert len(lines) <= 8, name


def test_no_packaged_configuration_chooses_a_precision_that_the_device_might_imitate():
    assert {TrainingConfig.load(name).precision for name in TrainingConfig.packaged()} <= {"auto", "no"}


def test_the_control_differs_from_the_aligner_in_its_pairs_alone():
    true, shuffled = TrainingConfig.load("aligner"), TrainingConfig.load("aligner-shuffled")
    assert shuffled.options == {**true.options, "shuffled": True, "name": "shuffled"}
    assert shuffled.model_copy(update={"options": true.options}) == true


def test_the_sizes_of_the_stages_fit_together():
    vae, vocoder, prior, aligner, embedding = (
        TrainingConfig.load(name).model for name in ("vae", "vocoder", "prior", "aligner", "embedding")
    )
    assert prior["unet"]["in_channels"] - PLAN == prior["unet"]["out_channels"] == vae["latent_channels"]
    assert vae["in_channels"] == vae["out_channels"] == vocoder["channels"] == 2
    mel = TrainingConfig.load("embedding").mel
    assert embedding["audio"]["bins"] == mel.mel_bins
    assert embedding["audio"]["floor"] == pytest.approx(math.log(mel.floor), abs=1e-6)
    head = prior["projection_model"]
    assert head["width"] == aligner["width"] == prior["language_model"]["n_embd"]
    for name in ("dim", "space"):
        assert head[name] == aligner[name] == embedding["audio"][name] == JOINT[name]
    assert head["tokens"] == aligner["tokens"]


def test_a_new_image_side_joins_the_audio_encoder_that_the_first_training_makes():
    both, image = TrainingConfig.load("embedding"), TrainingConfig.load("embedding-image")
    assert image.options == {**both.options, "frozen_audio": True}
    assert (image.model, image.mel) == ({}, None)  # the sizes are the checkpoint's


def test_a_file_of_ones_own_is_read_and_overridden(tmp_path: Path):
    path = tmp_path / "mein Training.yaml"
    path.write_text(GOOD)
    config = TrainingConfig.load(str(path), {"steps": 7, "seed": 3})
    assert (config.stage, config.steps, config.batch, config.seed) == ("vae", 7, 2, 3)
    assert (config.precision, config.ema) == ("no", 0.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD + "learning_rat: 1\n", "learning_rat"),
        (GOOD.replace("vae", "vea"), "stage"),
        (GOOD.replace("10", "0"), "steps"),
        (GOOD.replace("1.0e-3", ".nan"), "learning_rate"),
        (GOOD + "precision: fp8\n", "precision"),
        (GOOD + "ema: 1.0\n", "ema"),
        (GOOD + "restarts: [0, 5]\n", "do not rise from 0"),
        (GOOD + "restarts: [5, 5]\n", "do not rise"),
        ("stage: vae\n", "batch"),
    ],
)
def test_a_file_that_does_not_hold_is_refused(tmp_path: Path, text: str, reason: str):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(SettingError, match=reason) as refused:
        TrainingConfig.load(str(path))
    assert "\n" not in str(refused.value)
    assert refused.value.expected == "the fields in docs/TRAINING.md"


def test_paths_start_where_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    there, here = tmp_path / "there", tmp_path / "here"
    for folder in (there / "eye", here / "eye"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    (there / "base.yaml").write_text("base: aligner\noptions: {encoder: eye}\npreviews: [a.png]\n")
    (tmp_path / "mine.yaml").write_text("base: there/base.yaml\n")
    found = TrainingConfig.load("../mine.yaml")
    assert (found.options["encoder"], found.previews) == (str(there / "eye"), [str(there / "a.png")])
    settings = ["options.encoder=eye", "previews=[b.png]"]
    changed = TrainingConfig.load("../mine.yaml", settings=settings)
    assert (changed.options["encoder"], changed.previews) == (str(here / "eye"), [str(here / "b.png")])
    named = TrainingConfig.load("../mine.yaml", settings=["options.encoder=imagebind"])
    assert named.options["encoder"] == "imagebind"
