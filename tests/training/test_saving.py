"""Saved states: complete or absent, the newest undamaged one is resumed, also after kills, full disks and damage."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import multiprocessing

from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.errors import CheckpointError, OutputError, SettingError
from art2mus_core.training.config import TrainingConfig
from art2mus_core.training.loop import train
from art2mus_core.training.run.resuming import origin_of
from art2mus_core.training.run.saving import (
    AVERAGE,
    DamagedStateWarning,
    newest,
    read_average,
    read_note,
    state_folder,
    tidy,
)
from art2mus_core.training.stages import stage_builder

from .conftest import state_of
from .test_loop import Stopper, same

OFTEN = {"save_minutes": 1e-9, "keep": 3}
"""A state after every step."""


def steps_of(run: Path) -> list[int]:
    """The steps of the states of a run, and -1 for each other entry beside them."""
    return sorted(int(each.name) if each.name.isdecimal() else -1 for each in (run / "checkpoints").iterdir())


@pytest.fixture(scope="module")
def often(train_stage, tiny, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of four steps with the states of the last three. Not to be written to."""
    run = tmp_path_factory.mktemp("often")
    train_stage(tiny("aligner", **OFTEN), trained, run)
    return run


@pytest.fixture
def run(often: Path, tmp_path: Path) -> Path:
    """A copy of that run, to be damaged."""
    return shutil.copytree(often, tmp_path / "run")


def test_the_newest_states_are_kept(often: Path):
    assert steps_of(often) == [2, 3, 4]
    assert newest(often) == state_folder(often, 4)
    note = read_note(state_folder(often, 3))
    assert note["step"] == 3
    assert TrainingConfig(**note["config"]).keep == 3
    assert set(note["files"]) == {each.name for each in state_folder(often, 3).iterdir()} - {"complete.json"}


def test_a_run_without_states_has_no_newest(tmp_path: Path):
    assert newest(tmp_path) is None


def test_progress_is_json_without_nan(often: Path):
    """A noise level without an example in a step has no loss."""
    for step in (2, 3, 4):
        json.loads((state_folder(often, step) / "progress.json").read_text(), parse_constant=pytest.fail)


def cut(state: Path) -> None:
    content = (state / AVERAGE).read_bytes()
    (state / AVERAGE).write_bytes(content[: len(content) * 2 // 3])


def flip(state: Path) -> None:
    content = bytearray((state / "optimizer.bin").read_bytes())
    content[len(content) // 2] ^= 1
    (state / "optimizer.bin").write_bytes(content)


def unsay(state: Path) -> None:
    (state / "complete.json").unlink()


def garble(state: Path) -> None:
    (state / "complete.json").write_text('{"step": 4, "files"', encoding="utf-8")


def lose(state: Path) -> None:
    (state / "progress.json").unlink()


@pytest.mark.parametrize("damage", [cut, flip, unsay, garble, lose])
def test_the_state_before_a_damaged_one_is_resumed(  # noqa: PLR0917
    train_stage, tiny, trained: Path, often: Path, run: Path, damage
):
    damage(state_folder(run, 4))
    with pytest.warns(DamagedStateWarning, match=r"0000004 is damaged: .* Resuming from .*0000003"):
        train_stage(tiny("aligner", **OFTEN), trained, run)
    assert steps_of(run) == [2, 3, 4]
    assert newest(run) == state_folder(run, 4)
    assert same(state_of(run), state_of(often))


def test_damaged_states_do_not_count_among_those_that_are_kept(run: Path):
    cut(state_folder(run, 4))
    tidy(run, 2)
    assert steps_of(run) == [2, 3, 4]
    tidy(run, 1)
    assert steps_of(run) == [3, 4]


def test_damaged_states_alone_are_refused_and_left_alone(train_stage, tiny, trained: Path, run: Path):
    for step in (2, 3, 4):
        cut(state_folder(run, step))
    with pytest.raises(CheckpointError, match=r"0000004 is damaged: average.safetensors .*0000002 is damaged"):
        train_stage(tiny("aligner", **OFTEN), trained, run)
    assert steps_of(run) == [2, 3, 4]


def test_a_state_that_would_run_code_is_refused(train_stage, tiny, trained: Path, run: Path):
    state = state_folder(run, 4)
    torch.save({"state": Path("anything but numbers")}, state / "optimizer.bin")
    note = read_note(state)
    from art2mus_core.digests import file_digest

    note["files"]["optimizer.bin"] = file_digest(state / "optimizer.bin")
    (state / "complete.json").write_text(json.dumps(note), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"0000004 cannot be read"):
        train_stage(tiny("aligner", **OFTEN), trained, run)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("file write failed")])
def test_a_full_disk_stops_the_run_and_keeps_what_was_saved(  # noqa: PLR0917
    train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    config, saves, save = tiny("vae", **OFTEN), [], torch.save

    def fill(*given: Any) -> None:
        saves.append(given)
        if len(saves) > 2:
            raise error
        save(*given)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fill)
        with pytest.raises(OutputError, match=r"the state after 2 steps cannot be written .* room on the disk"):
            train_stage(config, trained, tmp_path)
    assert steps_of(tmp_path) == [1]
    train_stage(config, trained, tmp_path)
    assert same(state_of(tmp_path), state_of(trained.parent / "vae"))


def test_when_memory_is_short_in_an_update_the_state_before_stays(
    train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Some weights have then made the step and others not."""
    config, update, updates = tiny("vae", **OFTEN), torch.optim.AdamW.step, []

    def fail(self: torch.optim.AdamW, *given: Any) -> None:
        updates.append(given)
        update(self, *given)
        if len(updates) == 2:
            raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", fail)
        with pytest.raises(SettingError, match=r"a step of stage vae with a batch of 3 does not fit into the memory"):
            train_stage(config, trained, tmp_path)
    assert steps_of(tmp_path) == [1]
    train_stage(config, trained, tmp_path)
    assert same(state_of(tmp_path), state_of(trained.parent / "vae"))


def test_weights_that_are_not_finite_are_not_saved(
    train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    update, updates = torch.optim.AdamW.step, []

    def overflow(self: torch.optim.AdamW, *given: Any) -> None:
        updates.append(given)
        update(self, *given)
        if len(updates) == 2:
            self.param_groups[0]["params"][0].data.fill_(torch.inf)

    monkeypatch.setattr(torch.optim.AdamW, "step", overflow)
    with pytest.raises(CheckpointError, match="weights of stage vae that are not finite after 2 steps"):
        train_stage(tiny("vae", **OFTEN), trained, tmp_path)
    assert steps_of(tmp_path) == [1]


def kill(*_given: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def train_until_killed(pairs: Path, config: TrainingConfig, checkpoint: Path, run: Path, moment: str) -> None:
    """Train in a process that is killed in the middle of the second update, or of writing the second state."""
    calls: list[Any] = []
    owner, name = (Path, "rename") if moment == "saving" else (torch.optim.AdamW, "step")
    once = getattr(owner, name)

    def twice(*given: Any, **named: Any) -> Any:
        calls.append(given)
        return kill() if len(calls) == 2 else once(*given, **named)

    setattr(owner, name, twice)
    train(stage_builder(config, pairs, checkpoint), config, run)


def test_a_run_that_is_killed_twice_ends_as_if_it_had_not_been(
    train_stage, tiny, pairs: Path, trained: Path, tmp_path: Path
):
    config, context = tiny("vae", **OFTEN), multiprocessing.get_context("spawn")
    for moment, left in (("saving", [-1, 1]), ("update", [1, 2])):
        process = context.Process(target=train_until_killed, args=(pairs, config, trained, tmp_path, moment))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert steps_of(tmp_path) == left, moment
    train_stage(config, trained, tmp_path)
    assert steps_of(tmp_path) == [2, 3, 4]
    assert same(state_of(tmp_path), state_of(trained.parent / "vae"))


def test_a_second_ctrl_c_while_a_state_is_written_keeps_the_one_before(
    train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = tiny("vae", **OFTEN)

    def press(*_given: Any) -> None:
        raise KeyboardInterrupt

    def stop(step: Any) -> None:
        monkeypatch.setattr(torch, "save", press)

    with pytest.raises(KeyboardInterrupt):
        train_stage(config, trained, tmp_path, on_step=stop)
    assert steps_of(tmp_path) == [1]


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "a field": ({"batch": 2}, r"batch 3, now 2;"),
    "two fields": ({"learning_rate": 0.5, "seed": 7}, r"learning_rate 0.01, now 0.5; seed 0, now 7"),
    "an option": ({"options": {"crop": 6}}, r"options.crop 7, now 6"),
    "the precision": ({"precision": "auto"}, r"precision no, now auto"),
    "the schedule so far": ({"steps": 9}, r"steps 4, now 9"),
    "fewer steps": ({"steps": 3}, r"steps 4, now 3"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_configuration_is_refused_with_what_differs(train_stage, tiny, trained: Path, often: Path, change: str):
    fields, told = CHANGES[change]
    with pytest.raises(CheckpointError, match=rf"0000004 was made with .*{told}.* Choose another run folder"):
        train_stage(tiny("aligner", **{**OFTEN, **fields}), trained, often)


def test_the_advice_for_a_longer_run_says_what_to_set(train_stage, tiny, trained: Path, often: Path):
    with pytest.raises(CheckpointError, match=r"To lengthen the run, set `restarts: \[4\]`, too\.$"):
        train_stage(tiny("aligner", **OFTEN, steps=9), trained, often)


def test_a_default_may_be_given_or_left_out(train_stage, tiny, trained: Path, often: Path):
    config = tiny("aligner", {"views": 1, "shuffled": False, "lora": None}, **OFTEN)
    model = {"kind": "visual", "heads": 8, "patch_dim": None, **config.model}
    model.pop("space")
    config = config.model_copy(update={"model": model})
    assert train_stage(config, trained, often)[1] == state_of(often)["history"]


def test_the_same_encoder_may_be_named_in_another_way(train_stage, tiny, trained: Path, often: Path):
    config = tiny("aligner", {"encoder": str(trained)}, **OFTEN)
    assert train_stage(config, trained, often)[1] == state_of(often)["history"]


@pytest.mark.parametrize(
    ("options", "sides"),
    [({}, {"artworks", "music"}), ({"alignment": None, "source": "audio", "gap": "none"}, {"music"})],
)
def test_only_files_that_are_read_decide(tiny, pairs: Path, trained: Path, options, sides):
    objective = stage_builder(tiny("aligner", options), pairs, trained)()
    origin = origin_of(objective, sharded=False)
    assert origin["content"].keys() == sides
    assert ("audio_encoder" in origin["parts"]["encoder"]) == ("source" in options)


@pytest.mark.parametrize("part", ["unet", "image_encoder", "constants"])
def test_another_part_in_the_same_folder_is_refused(  # noqa: PLR0917
    train_stage, tiny, trained: Path, often: Path, tmp_path: Path, part: str
):
    other = shutil.copytree(trained, tmp_path / "other")
    (path,) = (other / part).glob("*.safetensors")
    content = bytearray(path.read_bytes())
    content[-2] ^= 1  # the last bit of a number
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"0000004 was made with other content of {part} than now"):
        train_stage(tiny("aligner", **OFTEN), other, often)


def test_an_exported_part_of_the_run_itself_is_no_change(train_stage, tiny, eye: Path, tmp_path: Path):
    """The stage `embedding` replaces the head of the image encoder that it reads."""
    folder = shutil.copytree(eye, tmp_path / "checkpoint")
    objective, history = train_stage(tiny("embedding", steps=1), folder, tmp_path / "run")
    objective.export(folder)
    assert train_stage(tiny("embedding", steps=1), folder, tmp_path / "run")[1] == history


@pytest.mark.parametrize("side", ["music", "artwork"])
def test_a_file_that_was_replaced_under_its_name_is_noticed(  # noqa: PLR0917
    tiny, pairs: Path, trained: Path, often: Path, tmp_path: Path, side: str
):
    data, config = shutil.copytree(pairs, tmp_path / "data"), tiny("aligner", **OFTEN)
    path = data / getattr(read_manifest(data)[0], side)
    path.write_bytes(path.read_bytes() + b"another end")
    with pytest.raises(CheckpointError, match=f"other content of {side}s? than now .* delete .*features first"):
        train(stage_builder(config, data, trained), config, often)
    path.unlink()  # the features are there, and nothing else is read
    assert train(stage_builder(config, data, trained), config, often)[1] == state_of(often)["history"]


def test_another_stage_is_refused(train_stage, tiny, trained: Path, often: Path):
    with pytest.raises(CheckpointError, match="was made with stage aligner, now vae"):
        train_stage(tiny("vae", **OFTEN), trained, often)


def test_what_does_not_change_the_weights_may_change(train_stage, tiny, trained: Path, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        train_stage(tiny("aligner"), trained, tmp_path, on_step=Stopper(2))
    free = {"save_minutes": 7.0, "keep": 1, "checkpointing": True, "preview_every": 3, "previews": ["0000001"]}
    train_stage(tiny("aligner", **free), trained, tmp_path)
    assert same(state_of(tmp_path), state_of(trained.parent / "aligner"))


def test_other_pairs_are_refused(tiny, pairs: Path, trained: Path, often: Path, tmp_path: Path):
    data = shutil.copytree(pairs, tmp_path / "data")
    others = read_manifest(data)
    write_manifest(
        data, [replace(pair, split="validation" if row == 1 else pair.split) for row, pair in enumerate(others)]
    )
    config = tiny("aligner", **OFTEN)
    with pytest.raises(CheckpointError, match="was made with other pairs"):
        train(stage_builder(config, data, trained), config, often)


def test_the_average_of_a_state_is_what_is_exported(train_stage: Callable[..., Any], tiny, trained: Path, often: Path):
    objective, _ = train_stage(tiny("aligner", **OFTEN), trained, often)
    assert same(dict(objective.trained.state_dict()), read_average(state_folder(often, 4)))
