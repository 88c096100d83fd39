"""The student: what it learns from, and the preset that it becomes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from art2mus_core.checkpoints.student import student_file, student_steps
from art2mus_core.checkpoints.tensors import read_tensors, save_tensors
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.diffusion.schedules import STUDENT, TEACHER
from art2mus_core.digests import file_digest
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load
from art2mus_core.pipelines.prompts import PromptText
from art2mus_core.training.batches import Draw
from art2mus_core.training.config import TrainingConfig
from art2mus_core.training.stages import load_config, stage_builder

SECONDS = 1.2


def opened(tiny, pairs, checkpoint, **options):
    return stage_builder(tiny("student", options), pairs, checkpoint)()


def drawn(seed=0, size=3):
    return Draw(np.random.default_rng(seed), size)


def test_the_states_are_those_of_the_teacher(tiny, pairs, trained, monkeypatch):
    monkeypatch.setattr("art2mus_core.training.objectives.student._fast", lambda _: torch.float32)
    student = opened(tiny, pairs, trained, pieces=2)
    row = int(student.train_rows[1])
    artwork = read_artwork(pairs / student.data.pairs[row].artwork)
    teacher = load(str(trained))
    seen = []
    settings = {"seconds": SECONDS, "steps": 4, "guidance": 2.0, "solver": TEACHER, "preset": "exact", "level": False}
    teacher.compose([artwork, artwork], seeds=[0, 1], **settings, on_step=seen.append)
    states = [step.latent.values for step in seen if step.stage == "denoise"]
    file = student.data.artworks.of[row]
    for piece in (0, 1):
        found = torch.from_numpy(student.states[file][piece]).float()
        assert len(found) == 3
        torch.testing.assert_close(found[1], states[1][piece], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(found[2], states[3][piece], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("unrolled", [0.0, 1.0])
def test_a_student_of_as_many_steps_without_guidance_has_nothing_to_learn(tiny, pairs, trained, unrolled, monkeypatch):
    """Two steps of the teacher's solver are of first order, as the student's are."""
    monkeypatch.setattr("art2mus_core.training.objectives.student._fast", lambda _: torch.float32)
    student = opened(tiny, pairs, trained, steps=2, teacher=2, guidance=1.0, unrolled=unrolled)
    for seed in range(4):
        loss, _ = student(student.batch(drawn(seed)))
        assert loss < 1e-5
    with torch.no_grad():
        for weight in student.trained["lora"].parameters():
            weight.add_(0.1)
    assert max(student(student.batch(drawn(seed)))[0] for seed in range(4)) > 1e-4


def test_steps_begin_at_the_teacher_s_state_or_at_the_noise(tiny, pairs, trained):
    alone, led = (opened(tiny, pairs, trained, unrolled=share) for share in (1.0, 0.0))
    for seed in range(6):
        own, given = alone.batch(drawn(seed)), led.batch(drawn(seed))
        assert (own.first, own.last) == (0, given.last)
        assert given.first == given.last
        assert torch.equal(own.target, given.target)


def test_it_comes_nearer_to_its_teacher(tiny, pairs, trained):
    student = opened(tiny, pairs, trained)
    before = student.validate()
    optimiser = torch.optim.Adam(student.trained.parameters(), 1e-2)
    for seed in range(40):
        loss, _ = student(student.batch(drawn(seed, 4)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    after = student.validate()
    assert after.keys() == {"distance", "distance 1"}
    assert after["distance"] < before["distance"]


def test_the_frozen_denoiser_is_not_changed(tiny, pairs, trained):
    student = opened(tiny, pairs, trained)
    student(student.batch(drawn()))[0].backward()
    trainable = {name for name, weight in student.named_parameters() if weight.requires_grad}
    assert trainable
    assert all("lora_" in name for name in trainable)


def test_an_exported_student_is_the_preset_instant(trained):
    pipeline = load(str(trained))
    instant = pipeline.settings(preset="instant")
    assert (
        (instant.solver, instant.steps, instant.guidance) == (STUDENT, student_steps(trained), 1.0) == (STUDENT, 2, 1.0)
    )
    evaluations = []
    pipeline.parts.student.register_forward_hook(lambda _, given, __: evaluations.append(len(given[0])))
    (found,) = pipeline.compose([paint(3)], seconds=SECONDS, preset="instant")
    assert evaluations == [1, 1]
    (plain,) = pipeline.compose([paint(3)], seconds=SECONDS)
    assert not torch.equal(found.samples, plain.samples)


def test_only_the_student_is_opened_where_the_preset_is_known(trained):
    parts = load(str(trained), preset="instant").parts
    assert parts.is_open("student")
    assert not parts.is_open("unet")
    with pytest.raises(SettingError, match="no preset 'slow'"):
        load(str(trained), preset="slow")


def test_music_of_a_student_tells_which(trained):
    pipeline = load(str(trained))
    tags = {name: pipeline.tags(pipeline.settings(preset=name), PromptText()) for name in ("instant", "balanced")}
    assert tags["instant"]["student_sha256"] == file_digest(student_file(trained))
    assert "student_sha256" not in tags["balanced"]


def test_more_steps_than_levels_are_the_student_s_fault(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "many")
    tensors, header = read_tensors(student_file(folder))
    save_tensors(
        student_file(folder),
        {key: value.clone() for key, value in tensors.items()},
        metadata={**header, "steps": "5000"},
    )
    with pytest.raises(CheckpointError, match=r"student.model\.safetensors with 5000 steps; expected 1 to"):
        load(str(folder))


def test_a_model_without_a_student_says_so(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "alone")
    student_file(folder).unlink()
    pipeline = load(str(folder))
    with pytest.raises(SettingError, match="no preset 'instant' in alone; expected one of exact, balanced"):
        pipeline.settings(preset="instant")
    with pytest.raises(SettingError, match="no student"):
        pipeline.compose([paint(3)], seconds=SECONDS, solver=STUDENT)


def test_a_student_of_another_denoiser_is_refused(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "other")
    from safetensors.torch import load_file, save_file

    from art2mus_core.checkpoints.folder import weights_file

    path = weights_file(folder, "unet")
    weights = load_file(path)
    save_file({**weights, "conv_out.bias": weights["conv_out.bias"] + 1}, path)
    with pytest.raises(CheckpointError, match=r"trained for the denoiser.*Delete this file"):
        load(str(folder))


def test_a_damaged_student_is_named_with_what_to_do(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "damaged")
    path = student_file(folder)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged.*Delete this file"):
        load(str(folder))


def test_the_teacher_takes_a_multiple_of_the_student_s_steps(tiny, pairs, trained):
    with pytest.raises(SettingError, match="a teacher of 6 steps for a student of 4"):
        opened(tiny, pairs, trained, steps=4, teacher=6)
    with pytest.raises(SettingError, match="teacher: Input should be less than or equal to 1000"):
        opened(tiny, pairs, trained, steps=4, teacher=2000)


def test_the_packaged_configuration_is_valid():
    config = load_config("student")
    assert isinstance(config, TrainingConfig)
    assert config.options["teacher"] % config.options["steps"] == 0
