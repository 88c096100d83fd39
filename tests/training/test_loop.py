from __future__ import annotations

import math
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from art2mus_core.errors import CheckpointError
from art2mus_core.training.config import STAGES
from art2mus_core.training.loop import STATE, learning_rate_at
from art2mus_core.training.state import load_state, save_state
from art2mus_core.types import Step


def same(one: Any, other: Any) -> bool:
    """Whether two states agree to the last bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def weights_of(objective: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in objective.trained.state_dict().items()}


class Stopper:
    """Presses Ctrl-C after a number of steps."""

    def __init__(self, last: int) -> None:
        self.last, self.seen = last, []

    def __call__(self, step: Step) -> None:
        self.seen.append(step.done)
        if step.done == self.last:
            raise KeyboardInterrupt


@pytest.mark.parametrize("stage", STAGES)
def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(
    train_stage, tiny, trained: Path, stage: str, tmp_path: Path
):
    config, stopper = tiny(stage), Stopper(2)
    with pytest.raises(KeyboardInterrupt):
        train_stage(config, trained, tmp_path, on_step=stopper)
    assert stopper.seen == [1, 2]
    assert load_state(tmp_path / STATE)["step"] == 2
    resumed: list[int] = []
    objective, history = train_stage(config, trained, tmp_path, on_step=lambda step: resumed.append(step.done))
    assert resumed == [3, 4]
    ours, whole = load_state(tmp_path / STATE), load_state(trained.parent / stage / STATE)
    assert ours.keys() == whole.keys()
    for part in ours:
        assert same(ours[part], whole[part]), part
    assert history == whole["history"]
    assert not list(tmp_path.glob(".*"))
    averaged = {key.removeprefix("module."): value for key, value in whole["average"].items() if "module." in key}
    assert same(weights_of(objective), averaged)


def test_a_finished_run_is_not_trained_further(train_stage, tiny, trained: Path, tmp_path: Path):
    shutil.copy(trained.parent / "aligner" / STATE, tmp_path)
    steps: list[Step] = []
    objective, history = train_stage(tiny("aligner"), trained, tmp_path, on_step=steps.append)
    assert steps == []
    assert not objective.training
    whole = load_state(trained.parent / "aligner" / STATE)
    assert history == whole["history"]
    assert same(load_state(tmp_path / STATE), whole)


def test_stopping_inside_a_validation_keeps_the_trained_weights(
    train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from art2mus_core.training.objectives.vae import VaeObjective

    def press(self: VaeObjective) -> dict[str, float]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(VaeObjective, "validate", press)
        with pytest.raises(KeyboardInterrupt):
            train_stage(tiny("vae"), trained, tmp_path)
    train_stage(tiny("vae"), trained, tmp_path)
    ours, whole = load_state(tmp_path / STATE), load_state(trained.parent / "vae" / STATE)
    assert same(ours, whole)


def test_ctrl_c_in_the_middle_of_the_update_waits_for_its_end(
    train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Otherwise some of the weights would have made a step and others not."""
    update = torch.optim.AdamW.step

    def press(self: torch.optim.AdamW, *given: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        update(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", press)
        for step in (1, 2):
            with pytest.raises(KeyboardInterrupt):
                train_stage(tiny("vae"), trained, tmp_path)
            assert load_state(tmp_path / STATE)["step"] == step
    train_stage(tiny("vae"), trained, tmp_path)
    assert same(load_state(tmp_path / STATE), load_state(trained.parent / "vae" / STATE))


def test_torchs_own_generator_is_left_as_it_was(train_stage, tiny, trained: Path, tmp_path: Path):
    before = torch.get_rng_state()
    train_stage(tiny("prior", steps=1), trained, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_drawn_elsewhere_changes_nothing(train_stage, tiny, trained: Path, tmp_path: Path):
    torch.rand(3)
    train_stage(tiny("prior"), trained, tmp_path, on_step=lambda _: torch.rand(1))
    assert same(load_state(tmp_path / STATE), load_state(trained.parent / "prior" / STATE))


def test_the_seed_decides_the_weights(train_stage, tiny, trained: Path, tmp_path: Path):
    one, again, other = (
        weights_of(train_stage(tiny("vae", seed=seed, steps=2, ema=0.0), trained, tmp_path / name)[0])
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    )
    assert same(one, again)
    assert not same(one, other)


def test_without_an_average_the_last_weights_are_returned(train_stage, tiny, trained: Path, tmp_path: Path):
    objective, _ = train_stage(tiny("vae", ema=0.0), trained, tmp_path)
    state = load_state(tmp_path / STATE)
    assert state["average"] is None
    assert same(weights_of(objective), state["trained"])


def test_a_loss_that_is_not_finite_is_refused(train_stage, tiny, trained: Path, tmp_path: Path):
    """The state keeps the last finite weights."""
    with pytest.raises(CheckpointError, match=r"loss of stage vae is (nan|inf) at step \d"):
        train_stage(tiny("vae", options={"edges": math.inf}), trained, tmp_path)
    state = load_state(tmp_path / STATE)
    assert all(weight.isfinite().all() for weight in state["trained"].values())


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half a file", b"not a state"])
def test_a_damaged_state_is_refused(train_stage, tiny, trained: Path, tmp_path: Path, damage: bytes):
    (tmp_path / STATE).write_bytes(damage)
    with pytest.raises(CheckpointError, match=r"cannot be read .* Delete it to train from the start"):
        train_stage(tiny("vae"), trained, tmp_path)
    assert (tmp_path / STATE).read_bytes() == damage


def test_a_file_that_is_no_state_is_refused(train_stage, tiny, trained: Path, tmp_path: Path):
    save_state(tmp_path / STATE, {"step": 3})
    with pytest.raises(CheckpointError, match="is another kind of file"):
        train_stage(tiny("aligner"), trained, tmp_path)


def test_a_truncated_state_is_refused(tmp_path: Path):
    save_state(tmp_path / STATE, {"step": 3, "weights": torch.arange(1000)})
    whole = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state(tmp_path / STATE)


def test_a_state_that_would_run_code_is_refused(tmp_path: Path):
    torch.save({"step": Path("anything but numbers")}, tmp_path / STATE)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state(tmp_path / STATE)


def test_a_failed_save_keeps_the_state_that_was_there(tmp_path: Path):
    save_state(tmp_path / STATE, {"step": 3})
    with pytest.raises((AttributeError, TypeError)):
        save_state(tmp_path / STATE, {"step": lambda: None})
    assert load_state(tmp_path / STATE) == {"step": 3}
    assert [path.name for path in tmp_path.iterdir()] == [STATE]


def test_a_state_whose_network_had_its_weights_in_another_order_is_resumed(
    train_stage, tiny, trained: Path, tmp_path: Path
):
    """As saved before the autoencoder was this project's own: moments of AdamW follow their weights by name."""
    with pytest.raises(KeyboardInterrupt):
        train_stage(tiny("vae"), trained, tmp_path, on_step=Stopper(2))
    state = load_state(tmp_path / STATE)
    moments = state["optimiser"]["state"]
    assert len(moments) == len(state["trained"])
    state["trained"] = dict(reversed(state["trained"].items()))
    state["optimiser"]["state"] = dict(enumerate(moments[at] for at in reversed(range(len(moments)))))
    save_state(tmp_path / STATE, state)
    train_stage(tiny("vae"), trained, tmp_path)
    assert same(load_state(tmp_path / STATE), load_state(trained.parent / "vae" / STATE))


def test_a_state_of_other_sizes_or_stages_is_refused(train_stage, tiny, trained: Path, tmp_path: Path):
    state = Path(shutil.copy(trained.parent / "aligner" / STATE, tmp_path))
    before = state.read_bytes()
    wider = {**tiny("aligner").model, "hidden": 19}
    with pytest.raises(CheckpointError, match="Choose another run folder"):
        train_stage(tiny("aligner", model=wider), trained, tmp_path)
    with pytest.raises(CheckpointError, match="was made by stage aligner"):
        train_stage(tiny("vae"), trained, tmp_path)
    assert state.read_bytes() == before


def test_bf16_computes_in_half_and_keeps_full_weights(train_stage, tiny, trained: Path, tmp_path: Path):
    objective, history = train_stage(tiny("embedding", precision="bf16", steps=1), trained, tmp_path)
    assert {weight.dtype for weight in weights_of(objective).values()} == {torch.float32}
    _, full = train_stage(tiny("embedding", steps=1), trained, tmp_path / "full")
    assert history[0]["loss"] == pytest.approx(full[0]["loss"], rel=0.02)
    assert history[0]["loss"] != full[0]["loss"]


@pytest.mark.parametrize(
    ("capabilities", "same"), [({}, "no"), ({"avx512_bf16": True}, "bf16")], ids=["imitates", "computes"]
)
def test_auto_is_bf16_where_the_device_computes_in_it(  # noqa: PLR0917
    train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch, capabilities, same: str
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    losses = []
    for precision in ("auto", same):
        config = tiny("embedding", precision=precision, steps=1)
        losses.append(train_stage(config, trained, tmp_path / precision)[1][0]["loss"])
    assert losses[0] == losses[1]


def test_the_learning_rate_warms_up_and_comes_down(tiny):
    config = tiny("vae", steps=100, learning_rate=2.0, warmup=0.1, final_share=0.25)
    rates = [learning_rate_at(step, config) for step in range(100)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    assert rates[10] == max(rates) == 2.0
    assert rates[55] == pytest.approx((2.0 + 0.5) / 2)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0.5 < rates[-1] < 0.51
    assert learning_rate_at(0, tiny("vae", steps=1, learning_rate=2.0, warmup=0.0)) == 2.0


def test_from_a_restart_on_the_learning_rate_does_the_same_again(tiny):
    def rates(steps: int, restarts: list[int]) -> list[float]:
        config = tiny("vae", steps=steps, restarts=restarts, learning_rate=2.0, warmup=0.1)
        return [learning_rate_at(step, config) for step in range(steps)]

    assert rates(170, [100, 120]) == rates(100, []) + rates(20, []) + rates(50, [])
    assert rates(100, [100, 120]) == rates(100, [])


def test_a_finished_run_lengthened_by_a_restart_is_the_long_run(train_stage, tiny, trained: Path, tmp_path: Path):
    longer = tiny("vae", steps=7, restarts=[4])
    train_stage(tiny("vae"), trained, tmp_path / "in two")
    in_two, _ = train_stage(longer, trained, tmp_path / "in two")
    at_once, _ = train_stage(longer, trained, tmp_path / "at once")
    assert same(weights_of(in_two), weights_of(at_once))
    assert not same(weights_of(in_two), weights_of(train_stage(tiny("vae", steps=7), trained, tmp_path / "other")[0]))


def test_steps_are_told_with_the_stage_and_its_loss(train_stage, tiny, trained: Path, tmp_path: Path):
    steps: list[Step] = []
    train_stage(tiny("aligner", steps=21, validate_every=30), trained, tmp_path, on_step=steps.append)
    assert [(step.done, step.total) for step in steps] == [(index, 21) for index in range(1, 22)]
    assert steps[0].stage == "aligner"
    assert steps[19].stage.startswith("aligner loss ")
