"""Values, validations and previews of a run as they can be read afterwards."""

from __future__ import annotations

import io
import json
import math
import shutil
import wave
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from art2mus_core.datasets.manifest import read_manifest
from art2mus_core.errors import ArtworkError, SettingError
from art2mus_core.training.config import TrainingConfig
from art2mus_core.training.processes import accelerated
from art2mus_core.training.stages import stage_builder
from art2mus_core.training.watching.watcher import watch, write_history

from .conftest import state_of
from .test_loop import Stopper, same


@pytest.fixture(scope="module", autouse=True)
def brief() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("art2mus_core.training.watching.performing.SECONDS", 1.2)
        yield


@pytest.fixture(scope="module")
def objective(pairs: Path, trained: Path, tiny) -> Any:
    return stage_builder(tiny("aligner"), pairs, trained)().eval()


@pytest.fixture(scope="module")
def config(pairs: Path, tiny) -> TrainingConfig:
    """With previews of one artwork, and TensorBoard."""
    artwork = str(pairs / read_manifest(pairs)[0].artwork)
    return tiny("aligner", trackers=["tensorboard"], preview_every=2, previews=[artwork])


@pytest.fixture(scope="module")
def watched(objective, config, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of 40 steps that was watched. Not to be written to."""
    run = tmp_path_factory.mktemp("watched") / "run"
    with watch(config, trained, run, Accelerator(cpu=True)) as observer:
        observer.stepped(20, {"loss": 0.5, "loss t 0-249": 0.25, "loss t 250-499": math.nan})
        observer.validated(20, {"validation loss": 0.75})
        observer.stepped(40, {"loss": 0.25, "loss t 0-249": 0.125, "loss t 250-499": 1.0})
        observer.preview(40, objective)
        assert observer.notes == []
    return run


def read_history(run: Path) -> list[dict[str, float]]:
    return json.loads((run / "history.json").read_text(encoding="utf-8"))


def events(run: Path) -> EventAccumulator:
    found = EventAccumulator(str(run / "tensorboard"), {"scalars": 0, "audio": 0, "images": 0})
    return found.Reload()


def scalars(run: Path) -> dict[str, list[tuple[int, float]]]:
    found = events(run)
    return {tag: [(each.step, each.value) for each in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_tensorboard_has_the_values_by_step(watched: Path):
    found = scalars(watched)
    assert found["training/loss"] == [(20, 0.5), (40, 0.25)]
    assert found["training/loss t 0-249"] == [(20, 0.25), (40, 0.125)]
    assert found["training/loss t 250-499"] == [(40, 1.0)]
    assert found["validation/loss"] == [(20, 0.75)]
    assert found["music/loudness"][0][0] == 40
    assert {"music/onset rate", "music/mode", "music/repetition"} <= set(found)


def test_tensorboard_plays_and_shows_the_previews(watched: Path):
    found, names = events(watched), sorted(path.stem for path in watched.glob("previews/0000040/*.flac"))
    assert sorted(found.Tags()["audio"]) == [f"previews/{name}" for name in names]
    assert sorted(found.Tags()["images"]) == [f"spectrograms/{name}" for name in names]
    for name in names:
        (sound,), (picture,) = found.Audio(f"previews/{name}"), found.Images(f"spectrograms/{name}")
        with wave.open(io.BytesIO(sound.encoded_audio_string)) as decoded:
            assert decoded.getnframes() == sound.length_frames == 1.2 * decoded.getframerate()
            samples = np.frombuffer(decoded.readframes(-1), "<i2")
        assert samples.any()
        with (
            Image.open(io.BytesIO(picture.encoded_image_string)) as shown,
            Image.open(watched / "previews" / "0000040" / f"{name}.png") as written,
        ):
            assert np.array_equal(np.asarray(shown), np.asarray(written))


def train_watched(train_stage, config: TrainingConfig, checkpoint: Path, run: Path, **more: Any) -> None:
    with accelerated(config) as accelerator, watch(config, checkpoint, run, accelerator) as observer:
        train_stage(config, checkpoint, run, accelerator=accelerator, observer=observer, **more)
        assert observer.notes == []


def test_watching_changes_no_bit_of_a_run(train_stage, config, trained: Path, tmp_path: Path):
    train_watched(train_stage, config, trained, tmp_path)
    assert sorted(path.name for path in (tmp_path / "previews").glob("0*")) == ["0000002", "0000004"]
    ours, plain = (state_of(run) for run in (tmp_path, trained.parent / "aligner"))
    for part, value in ours.items():
        assert same(value, plain[part]), part


def test_a_resumed_run_continues_its_values(
    train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of a run that resumes after step 2, what it had logged of step 3 before is replaced."""
    monkeypatch.setattr("art2mus_core.training.loop.AVERAGE_EVERY", 1)
    config = tiny("aligner", trackers=["tensorboard"], validate_every=1, save_minutes=1e-9, keep=9)
    train_watched(train_stage, config, trained, tmp_path / "whole")

    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train_watched(train_stage, config, trained, run, on_step=Stopper(3))
    assert [step for step, _ in scalars(run)["training/loss"]] == [1, 2, 3]
    shutil.rmtree(run / "checkpoints" / "0000003")
    train_watched(train_stage, config, trained, run)
    ours, whole = scalars(run), scalars(tmp_path / "whole")
    assert ours.keys() == whole.keys()
    for tag in ours.keys() - {"training/examples per second", "training/peak memory"}:
        assert ours[tag] == whole[tag], tag
    assert [step for step, _ in ours["training/loss"]] == [1, 2, 3, 4]
    histories = [
        [(each["step"], each.get("loss"), each.get("validation loss")) for each in read_history(folder)]
        for folder in (run, tmp_path / "whole")
    ]
    assert histories[0] == histories[1]
    assert len(histories[0]) == 8


def test_a_validation_renews_the_history(watched: Path):
    assert [each["step"] for each in read_history(watched)] == [20, 20]
    with Image.open(watched / "history.png") as plot:
        assert plot.size == (1000, 520)


def test_the_plot_has_the_validation_and_the_noise_levels(tmp_path: Path):
    loss = [{"step": float(step), "loss": 1 / step, "learning rate": 5.0} for step in range(1, 9)]
    write_history(tmp_path, "aligner", loss)
    alone = np.asarray(Image.open(tmp_path / "history.png"))
    write_history(tmp_path, "aligner", [*loss, {"step": 4.0, "validation loss": 0.5, "loss t 0-249": 0.25}])
    assert not np.array_equal(alone, np.asarray(Image.open(tmp_path / "history.png")))
    assert not list(tmp_path.glob(".*"))


def test_a_preview_that_fails_is_noted_and_leaves_what_there_was(
    watched: Path, objective, config, trained: Path, tmp_path: Path
):
    run = shutil.copytree(watched, tmp_path / "run")
    page = (run / "previews" / "index.html").read_bytes()
    kept = {name: value.clone() for name, value in objective.unet.state_dict().items()}
    told = []
    with watch(config, trained, run, Accelerator(cpu=True), on_note=told.append) as observer:
        with torch.no_grad():
            objective.unet.conv_in.weight.fill_(math.nan)
        try:
            for step in (60, 80):
                observer.preview(step, objective)
        finally:
            objective.unet.load_state_dict(kept)
        (note,) = observer.notes
        assert note.startswith("From step 60, previews are missing: ")
        assert told == [note]
        assert "NaN" in note or "finite" in note
        assert (run / "previews" / "index.html").read_bytes() == page
        observer.preview(100, objective)
        assert len(observer.notes) == 1
    renewed = (run / "previews" / "index.html").read_text(encoding="utf-8")
    assert "From step 60, previews are missing" in renewed
    assert "step 100" in renewed


def test_ctrl_c_in_a_preview_stops(objective, config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def press(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("art2mus_core.training.watching.previews.save_image", press)
    with watch(config, tmp_path, tmp_path, Accelerator(cpu=True)) as observer:
        with pytest.raises(KeyboardInterrupt):
            observer.preview(2, objective)
        assert observer.notes == []
    assert list((tmp_path / "previews").iterdir()) == []


def test_a_preview_removes_what_a_killed_one_left(watched: Path, objective, config, trained: Path, tmp_path: Path):
    run = shutil.copytree(watched, tmp_path / "run")
    (left := run / "previews" / "0000042").mkdir()
    (left / "half.flac").write_bytes(b"")
    with watch(config, trained, run, Accelerator(cpu=True)) as observer:
        observer.preview(44, objective)
    assert sorted(path.name for path in (run / "previews").glob("0*")) == ["0000040", "0000044"]


def test_a_tracker_that_fails_stops_nothing(tiny, tmp_path: Path):
    with watch(tiny("vae", trackers=["tensorboard"]), tmp_path, tmp_path, Accelerator(cpu=True)) as observer:
        observer.trackers.open()
        observer.trackers.accelerator.get_tracker("tensorboard").tracker.file_writer.close()
        for step in (20, 40):
            observer.stepped(step, {"loss": 0.5})
        observer.validated(40, {"validation loss": 0.25})
    assert len(observer.notes) == 1
    assert len(read_history(tmp_path)) == 3


def test_without_trackers_and_previews_there_are_no_folders(tiny, tmp_path: Path):
    with watch(tiny("vae"), tmp_path, tmp_path, Accelerator(cpu=True)) as observer:
        observer.stepped(20, {"loss": 0.5})
        observer.validated(20, {"validation error": 0.5})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.json", "history.png"]


@pytest.mark.parametrize(
    ("stage", "fields", "error", "message"),
    [
        ("vae", {"preview_every": 5}, SettingError, "stage vae; .* of the stages aligner, mel, hifigan. Remove it"),
        ("art2music", {"preview_every": 5}, SettingError, "preview_every 5, and .* has no vocoder; .* Train it first"),
        (
            "aligner",
            {"previews": ["a.jpg"]},
            SettingError,
            "previews without preview_every; expected a number of steps",
        ),
        ("art2music-vocoder", {"preview_every": 5, "previews": ["a.jpg"]}, SettingError, "pictures .* stage hifigan"),
        ("aligner", {"preview_every": 5, "previews": ["a.jpg"] * 9}, SettingError, "9 previews; expected at most 8"),
        ("aligner", {"preview_every": 5, "previews": ["missing.jpg"]}, ArtworkError, "missing.jpg"),
    ],
    ids=["stage", "vocoder", "never", "pictures", "many", "missing"],
)
def test_previews_that_cannot_be_are_refused_at_the_start(tiny, stage, fields, error, message, tmp_path: Path):  # noqa: PLR0917
    with pytest.raises(error, match=message), watch(tiny(stage, **fields), tmp_path, tmp_path, Accelerator(cpu=True)):
        pass


@pytest.mark.parametrize("package", ["tensorboard", "wandb"])
def test_a_missing_package_is_named_at_the_start(package, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    config = tiny("vae", trackers=[package])
    with pytest.raises(ModuleNotFoundError) as caught, watch(config, tmp_path, tmp_path, Accelerator(cpu=True)):
        pass
    assert caught.value.name == package


@pytest.mark.skipif(find_spec("wandb") is None, reason="wandb is not installed")
def test_wandb_keeps_an_offline_run(objective, config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with watch(
        config.model_copy(update={"trackers": ["wandb"]}), tmp_path, tmp_path / "run", Accelerator(cpu=True)
    ) as observer:
        observer.stepped(20, {"loss": 0.5})
        observer.validated(20, {"validation loss": 0.25})
        observer.preview(20, objective)
        assert observer.notes == []
    (kept,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
    assert next(kept.glob("*.wandb")).stat().st_size > 0
    assert len(list(kept.glob("files/media/audio/**/*.flac"))) == 1
    assert len(list(kept.glob("files/media/images/**/*.png"))) == 1
