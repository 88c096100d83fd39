"""Two processes that share each batch, against one that has it whole."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import multiprocessing

from art2mus_core.errors import Art2MusError, SettingError
from art2mus_core.training.batches import Draw
from art2mus_core.training.config import STAGES, TrainingConfig
from art2mus_core.training.loop import STATE, train
from art2mus_core.training.processes import Place, averaged, joined
from art2mus_core.training.stages import stage_builder
from art2mus_core.training.state import load_state
from art2mus_core.types import Embedding, Plan

Job = tuple[TrainingConfig, Path, Path]


def plain(parameters: Any, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """Descent in proportion to the gradient: AdamW makes as much of a gradient of rounding errors as of any other."""
    return torch.optim.SGD(parameters, lr, momentum=0.9, weight_decay=weight_decay)


def work(rank: int, port: int, pairs: Path, jobs: list[Job]) -> None:
    """One of two processes."""
    be_started(rank, port)
    torch.optim.AdamW = plain  # type: ignore[assignment,misc]
    with joined(torch.device("cpu")) as here:
        assert here == Place(torch.device("cpu"), rank, 2)
        for config, checkpoint, run in jobs:
            train(stage_builder(config, pairs, checkpoint), config, run, place=here)


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


def test_two_processes_follow_one_with_the_same_batches(
    pairs: Path, trained: Path, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Every stage: weights, averages and history agree, but for the order of floating-point sums."""
    configs = {stage: of_two(tiny, stage) for stage in STAGES}
    jobs = [(config, trained, tmp_path / stage) for stage, config in configs.items()]
    multiprocessing.spawn(work, (free_port(), pairs, jobs), nprocs=2)
    monkeypatch.setattr(torch.optim, "AdamW", plain)
    for stage, config in configs.items():
        train(stage_builder(config, pairs, trained), config, tmp_path / "alone" / stage)
        together, alone = load_state(tmp_path / stage / STATE), load_state(tmp_path / "alone" / stage / STATE)
        assert together["step"] == 2
        for part in ("trained", "average"):
            for name, value in alone[part].items():
                torch.testing.assert_close(together[part][name], value, rtol=0, atol=1e-5, msg=f"{stage} {name}")
        losses = [[row["loss"] for row in state["history"] if "loss" in row] for state in (together, alone)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4), stage
        moved = [(value - alone["average"][f"module.{name}"]).abs().max() for name, value in alone["trained"].items()]
        assert max(moved) > 1e-4, stage


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
            whole, *parts = (tensor_of(value) for value in values)
            assert torch.equal(torch.cat(parts), whole), (stage, name)


def tensor_of(value: object) -> torch.Tensor:
    if isinstance(value, Plan):
        return torch.stack([value.step, value.first, value.frames, value.key, value.band], dim=-1)
    return value.values if isinstance(value, Embedding) else value


def test_processes_that_do_not_divide_a_batch_are_refused(pairs: Path, trained: Path, tiny, tmp_path: Path):
    config = tiny("vae", batch=3)
    with pytest.raises(SettingError, match="a batch of 3 for 2 processes; expected a multiple of 2"):
        train(stage_builder(config, pairs, trained), config, tmp_path, place=Place(count=2))
    assert not list(tmp_path.iterdir())
    objective = stage_builder(tiny("aligner", {"alignment": {"weight": 0.1, "pairs": 7}}), pairs, trained)()
    with pytest.raises(SettingError, match=r"alignment\.pairs 7 for 2 processes"):
        objective.batch(Draw(np.random.default_rng(0), 4, 0, 2))


def lose(rank: int, port: int, told: Path) -> None:
    """One of two processes; the second ends abruptly, and the first writes down its error."""
    be_started(rank, port)
    try:
        with joined(torch.device("cpu")):
            averaged({"loss": torch.ones(3)})
            if rank == 1:
                os._exit(9)
            averaged({"loss": torch.ones(3)})
    except Art2MusError as error:
        told.write_text(str(error), encoding="utf-8")


def test_the_end_of_another_process_is_an_error_that_says_what_to_do(tmp_path: Path):
    context, port, told = multiprocessing.get_context("spawn"), free_port(), tmp_path / "told.txt"
    processes = [context.Process(target=lose, args=(rank, port, told)) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 9]
    assert told.read_text(encoding="utf-8").startswith("one of 2 training processes ended before the others; expected")
