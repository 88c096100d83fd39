"""Two processes that share each batch, against one that has it whole."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import yaml
from torch import multiprocessing
from torch.distributed import fsdp

from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.tensors import read_tensors
from art2mus_core.encoders import texts
from art2mus_core.errors import Art2MusError, CheckpointError, SettingError
from art2mus_core.training.batches import Draw
from art2mus_core.training.config import TrainingConfig
from art2mus_core.training.loop import train
from art2mus_core.training.processes import accelerated, averaged, check_processes
from art2mus_core.training.run.saving import newest, read_average, read_note, state_folder
from art2mus_core.training.stages import stage_builder
from art2mus_core.training.watching.watcher import watch
from art2mus_core.types import Condition, Embedding, Plan, Step

from .conftest import STAGES, Letters, plain, state_of

SHARDS = hasattr(fsdp, "MixedPrecisionPolicy")
"""Whether torch has FSDP 2, that is 2.6 or newer."""

sharding = pytest.mark.skipif(not SHARDS, reason="FSDP needs torch 2.6 or newer")


class Job(NamedTuple):
    """A run of two processes, stopped after a step if `stop`, with FSDP if `sharded`, and watched if it has previews."""

    config: TrainingConfig
    data: Path
    checkpoint: Path
    run: Path
    plain: bool = False
    sharded: bool = False
    stop: int = 0


class StoppedError(Exception):
    """Raised after a step, in both processes."""


def work(rank: int, ports: list[int], jobs: list[Job], told: Path) -> None:
    """One of two processes, which trains, and then loses the other or is lost."""
    adamw = torch.optim.AdamW
    texts.TEXT_ENCODERS["letters"] = lambda *_, **__: Letters()
    for port, job in zip(ports[:-1], jobs, strict=True):
        be_started(rank, port)
        os.environ["ACCELERATE_USE_FSDP"] = str(job.sharded)
        torch.optim.AdamW = plain if job.plain else adamw  # type: ignore[assignment,misc]

        def on_step(step: Step, stop: int = job.stop) -> None:
            if step.done == stop:
                raise StoppedError

        with suppress(StoppedError), accelerated(job.config) as accelerator:
            assert (accelerator.process_index, accelerator.num_processes) == (rank, 2)
            build = stage_builder(job.config, job.data, job.checkpoint)
            watched = job.config.preview_every and rank == 0
            with watch(job.config, job.checkpoint, job.run, accelerator) if watched else nullcontext() as observer:
                hooks: dict[str, Any] = {"on_step": on_step, "observer": observer}
                objective, history = train(build, job.config, job.run, accelerator=accelerator, **hooks)
                assert observer is None or observer.notes == []
            if accelerator.is_main_process:
                torch.save({"weights": objective.trained.state_dict(), "history": history}, job.run / "returned.pt")
    lose(rank, ports[-1], told)


def lose(rank: int, port: int, told: Path) -> None:
    """The second process ends abruptly, and the first writes down its error."""
    be_started(rank, port)
    os.environ["ACCELERATE_USE_FSDP"] = "False"
    try:
        with accelerated(TrainingConfig.load("vae")):
            averaged({"loss": torch.ones(3)})
            if rank == 1:
                os._exit(9)
            averaged({"loss": torch.ones(3)})
    except Art2MusError as error:
        told.write_text(str(error), encoding="utf-8")


def be_started(rank: int, port: int) -> None:
    """Set what `torchrun` tells one of two processes."""
    torch.set_num_threads(1)
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()})


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def of_two(tiny: Any, stage: str) -> TrainingConfig:
    """A stage whose batches two processes can share; without dropout, which each of them draws for itself."""
    options = {"alignment": {"weight": 0.1, "pairs": 6}} if stage == "aligner" else None
    config = tiny(stage, options, batch=4, steps=2, learning_rate=1e-2, validate_every=2)
    if stage != "prior":
        return config
    without = {**config.model["language_model"], **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)}
    return config.model_copy(update={"model": {**config.model, "language_model": without}})


@pytest.fixture(scope="module")
def heard(commented: Path, mel_parts: Path, mel_config, hifigan, tmp_path_factory) -> dict[str, Job]:
    """Runs with previews, with FSDP if there is."""
    shared, folder = {"batch": 4, "steps": 2, "preview_every": 2}, tmp_path_factory.mktemp("heard")
    configs = {"mel": mel_config("diffusion", **shared), "hifigan": hifigan(**shared)}
    return {
        stage: Job(config, commented, mel_parts, folder / stage, plain=True, sharded=SHARDS)
        for stage, config in configs.items()
    }


@pytest.fixture(scope="module")
def together(pairs: Path, trained: Path, tiny, heard, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """What two processes trained, by name, before the second ended abruptly."""
    folder = tmp_path_factory.mktemp("together")
    long = of_two(tiny, "aligner").model_copy(update={"steps": 20, "save_minutes": 1e-9, "keep": 30})
    jobs = {stage: Job(of_two(tiny, stage), pairs, trained, folder / stage, plain=True) for stage in STAGES}
    jobs["long"] = Job(long, pairs, trained, folder / "long")
    if SHARDS:
        jobs["stopped"] = Job(long, pairs, trained, folder / "sharded", sharded=True, stop=7)
        jobs["sharded"] = jobs["stopped"]._replace(stop=0)
    jobs |= heard
    ports, context = [free_port() for _ in range(len(jobs) + 1)], multiprocessing.get_context("spawn")
    given = (ports, list(jobs.values()), folder / "told.txt")
    processes = [context.Process(target=work, args=(rank, *given)) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(600)
    assert [process.exitcode for process in processes] == [0, 9]
    return jobs


def apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The largest difference of two sets of weights."""
    assert one.keys() == other.keys()
    return max(float((value - other[name]).abs().max()) for name, value in one.items())


@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_follow_one_with_the_same_batches(
    together: dict[str, Job], pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
):
    """Weights, averages and history agree, but for the order of floating-point sums."""
    job = together[stage]
    monkeypatch.setattr(torch.optim, "AdamW", plain)
    train(stage_builder(job.config, pairs, job.checkpoint), job.config, tmp_path)
    ours, alone = state_of(job.run), state_of(tmp_path)
    assert ours["step"] == 2
    for part in ("trained", "average"):
        assert apart(ours[part], alone[part]) < 1e-5, part
    losses = [[row["loss"] for row in state["history"] if "loss" in row] for state in (ours, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert apart(alone["average"], alone["trained"]) > 1e-4


def test_they_follow_it_for_twenty_steps(together: dict[str, Job], pairs: Path, tmp_path: Path):
    """With the optimiser of the product; with FSDP also when stopped and resumed."""
    job = together["long"]
    train(stage_builder(job.config, pairs, job.checkpoint), job.config, tmp_path)
    alone = state_of(tmp_path)
    for name in ("long", "sharded") if SHARDS else ("long",):
        ours = state_of(together[name].run)
        assert ours["step"] == 20
        for part in ("trained", "average"):
            assert apart(ours[part], alone[part]) < 1e-4, (name, part)
        for row, expected in zip(ours["history"], alone["history"], strict=True):
            assert row == pytest.approx(expected, rel=1e-3), name


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("stage", ["mel", "hifigan"])
def test_the_first_of_two_processes_has_the_previews_that_one_alone_has(
    together: dict[str, Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
):
    """With FSDP, where it has a part of the weights."""
    job = together[stage]
    monkeypatch.setattr(torch.optim, "AdamW", plain)
    with accelerated(job.config) as accelerator, watch(job.config, job.checkpoint, tmp_path, accelerator) as observer:
        build = stage_builder(job.config, job.data, job.checkpoint)
        train(build, job.config, tmp_path, accelerator=accelerator, observer=observer)
    assert apart(state_of(job.run)["average"], state_of(tmp_path)["average"]) < 1e-5
    ours, alone = (sorted((run / "previews" / "0000002").glob("*.flac")) for run in (job.run, tmp_path))
    assert [path.name for path in ours] == [path.name for path in alone]
    assert len(ours) == 3
    for path, other in zip(ours, alone, strict=True):
        sounds = [read_audio(each).samples for each in (path, other)]
        assert (sounds[0] - sounds[1]).abs().max() < 1e-3
        assert sounds[0].abs().max() > 0


@sharding
def test_sharded_weights_are_returned_whole(together: dict[str, Job]):
    run = together["sharded"].run
    returned = torch.load(run / "returned.pt", weights_only=True)
    assert apart(returned["weights"], state_of(run)["average"]) == 0
    assert sorted(each.name for each in newest(run).iterdir()) == [
        "average.safetensors",
        "complete.json",
        "optimizer.bin",
        "progress.json",
        "trained.safetensors",
    ]


def test_the_parts_of_all_processes_are_the_whole_batch(pairs: Path, trained: Path, tiny):
    for stage in STAGES:
        objective = stage_builder(of_two(tiny, stage), pairs, trained)()
        draws = [Draw(np.random.default_rng(3), 4, rank, count) for rank, count in ((0, 1), (0, 2), (1, 2))]
        batches = [vars(objective.batch(draw)) for draw in draws]
        for name in batches[0]:
            values = [batch[name] for batch in batches]
            if values[0] is None:  # a field of another kind of training
                assert values == [None] * 3, (stage, name)
                continue
            if isinstance(values[0], int):  # of the whole batch
                assert len({*values}) == 1, (stage, name)
                continue
            whole, *parts = (tensor_of(value) for value in values)
            assert torch.equal(torch.cat(parts), whole), (stage, name)


def tensor_of(value: object) -> torch.Tensor:
    if isinstance(value, Plan):
        return torch.stack([value.step, value.first, value.frames, value.key, value.band], dim=-1)
    if isinstance(value, Condition):
        return value.language
    return value.values if isinstance(value, Embedding) else value


def test_processes_that_do_not_divide_a_batch_are_refused(pairs: Path, trained: Path, tiny, tmp_path: Path):
    config = tiny("vae", batch=3)
    with pytest.raises(SettingError, match="a batch of 3 for 2 processes; expected a multiple of 2"):
        check_processes(config, 2)
    objective = stage_builder(tiny("aligner", {"alignment": {"weight": 0.1, "pairs": 7}}), pairs, trained)()
    with pytest.raises(SettingError, match=r"alignment\.pairs 7 for 2 processes"):
        objective.batch(Draw(np.random.default_rng(0), 4, 0, 2))


def test_the_end_of_another_process_is_an_error_that_says_what_to_do(together: dict[str, Job]):
    told = together["long"].run.parent / "told.txt"
    assert told.read_text(encoding="utf-8").startswith("one of 2 training processes ended before the others; expected")


@sharding
def test_the_command_is_started_by_accelerates_launcher(pairs: Path, trained: Path, tiny, tmp_path: Path):
    """With FSDP, whose settings the launcher passes in the environment; without a GPU the processes compute on the CPU."""
    checkpoint, run = shutil.copytree(trained, tmp_path / "checkpoint"), tmp_path / "run"
    config = of_two(tiny, "aligner").model_dump(mode="json", exclude_none=True)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (tmp_path / "art2mus.py").write_text("from art2mus_core.cli import main\n\nmain()\n", encoding="utf-8")
    launch = ["--use_fsdp", "--num_processes=2", "--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no"]
    train_it = ["train", tmp_path / "mine.yaml", "--data", pairs, "--out", checkpoint, "--run", run, "--json"]
    command = [
        "-m",
        "accelerate.commands.launch",
        *launch,
        f"--main_process_port={free_port()}",
        tmp_path / "art2mus.py",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, *map(str, [*command, *train_it])],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=environment,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 2
    assert done.stdout.count("\n") == 1  # of the first process alone
    assert done.stderr.count("weights are trained and") == 1
    assert read_note(newest(run))["sharded"] is True
    exported, _ = read_tensors(checkpoint / "aligner" / "model.safetensors")
    average = read_average(newest(run))
    assert all(torch.equal(value, average[f"aligner.{name}"].half()) for name, value in exported.items())


@sharding
def test_a_state_with_fsdp_is_not_resumed_without(together: dict[str, Job], pairs: Path):
    job = together["sharded"]
    assert read_note(newest(job.run))["sharded"] is True
    assert state_folder(job.run, 7).is_dir()
    with pytest.raises(CheckpointError, match="was made with FSDP"):
        train(stage_builder(job.config, pairs, job.checkpoint), job.config, job.run)


def test_more_processes_than_pairs_are_refused(pairs: Path, trained: Path, tiny):
    objective = stage_builder(tiny("vae"), pairs, trained)()
    with pytest.raises(SettingError, match="5 processes for 4 training pairs"):
        objective.check_shared(5)
