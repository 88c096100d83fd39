from __future__ import annotations

import math
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.training.batches import Draw
from art2mus_core.training.features.pieces import Pieces
from art2mus_core.training.loop import train
from art2mus_core.training.objectives.aligner import AlignerObjective
from art2mus_core.training.processes import averaged
from art2mus_core.training.run.observing import finite, means_of, peak_memory
from art2mus_core.training.run.saving import newest, read_note
from art2mus_core.training.schedule import learning_rate_at
from art2mus_core.training.stages import stage_builder
from art2mus_core.types import Step

from .conftest import STAGES, plain, state_of


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
    assert state_of(tmp_path)["step"] == 2
    resumed: list[int] = []
    objective, history = train_stage(config, trained, tmp_path, on_step=lambda step: resumed.append(step.done))
    assert resumed == [3, 4]
    ours, whole = state_of(tmp_path), state_of(trained.parent / stage)
    assert ours.keys() == whole.keys()
    for part in ours:
        assert same(ours[part], whole[part]), part
    assert history == whole["history"]
    assert not list(tmp_path.glob(".*"))
    assert same(weights_of(objective), whole["average"])


def test_a_finished_run_is_not_trained_further(train_stage, tiny, trained: Path, tmp_path: Path):
    shutil.copytree(trained.parent / "aligner", tmp_path, dirs_exist_ok=True)
    steps: list[Step] = []
    objective, history = train_stage(tiny("aligner"), trained, tmp_path, on_step=steps.append)
    assert steps == []
    assert not objective.training
    whole = state_of(trained.parent / "aligner")
    assert history == whole["history"]
    assert same(state_of(tmp_path), whole)


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
    ours, whole = state_of(tmp_path), state_of(trained.parent / "vae")
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
            assert state_of(tmp_path)["step"] == step
    train_stage(tiny("vae"), trained, tmp_path)
    assert same(state_of(tmp_path), state_of(trained.parent / "vae"))


def test_torchs_own_generator_is_left_as_it_was(train_stage, tiny, trained: Path, tmp_path: Path):
    before = torch.get_rng_state()
    train_stage(tiny("prior", steps=1), trained, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_drawn_elsewhere_changes_nothing(train_stage, tiny, trained: Path, tmp_path: Path):
    torch.rand(3)
    train_stage(tiny("prior"), trained, tmp_path, on_step=lambda _: torch.rand(1))
    assert same(state_of(tmp_path), state_of(trained.parent / "prior"))


def test_the_seed_decides_the_weights(train_stage, tiny, trained: Path, tmp_path: Path):
    one, again, other = (
        weights_of(train_stage(tiny("vae", seed=seed, steps=2, ema=0.0), trained, tmp_path / name)[0])
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    )
    assert same(one, again)
    assert not same(one, other)


def test_without_an_average_the_last_weights_are_returned(train_stage, tiny, trained: Path, tmp_path: Path):
    objective, _ = train_stage(tiny("vae", ema=0.0), trained, tmp_path)
    state = state_of(tmp_path)
    assert same(state["average"], state["trained"])
    assert same(weights_of(objective), state["trained"])


@pytest.mark.parametrize(("accumulate", "named"), [(1, 3), (3, 1)], ids=["in one part", "each alone"])
def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_pairs(  # noqa: PLR0917
    pairs: Path, trained: Path, tiny, tmp_path: Path, accumulate: int, named: int
):
    """The state keeps the last finite weights."""
    config, lost = tiny("vae", accumulate=accumulate), []

    def build() -> Any:
        objective = stage_builder(config, pairs, trained)()
        row = objective.train_rows[2]
        mels = [objective.mels[each] for each in range(len(objective.mels.lengths))]
        mels[row] = np.full_like(mels[row], np.nan)
        objective.mels = Pieces.of(np.concatenate(mels), objective.mels.lengths)
        lost.append(objective.data.pairs[row].id)
        return objective

    with pytest.raises(CheckpointError, match=r"the loss of stage vae is inf at step (\d), with the pairs") as told:
        train(build, config, tmp_path)
    ids = str(told.value).partition("with the pairs ")[2].partition(";")[0].split(", ")
    assert len(ids) == named
    assert lost[0] in ids
    state = newest(tmp_path)
    assert f"The state before is {state}." in str(told.value)
    assert f"at step {read_note(state)['step']}," in str(told.value)
    assert all(weight.isfinite().all() for weight in state_of(tmp_path)["trained"].values())


def test_a_term_that_is_not_finite_names_the_pairs_that_were_drawn_for_it(  # noqa: PLR0917
    train_stage, tiny, pairs: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = tiny("aligner", {"alignment": {"weight": 0.1, "pairs": 3}}, batch=1)
    monkeypatch.setattr(AlignerObjective, "_alignment", lambda *_: torch.tensor(math.nan, requires_grad=True))
    with pytest.raises(CheckpointError, match="with the pairs") as told:
        train_stage(config, trained, tmp_path)
    ids = str(told.value).partition("with the pairs ")[2].partition(";")[0].split(", ")
    objective, draw = stage_builder(config, pairs, trained)(), Draw(np.random.default_rng((config.seed, 0)), 1)
    draw.rng.integers(2**62)
    objective.batch(draw)
    assert draw.drawn.keys() == {"diffusion", "alignment"}
    assert set(ids) == {objective.data.pairs[row].id for row in draw.drawn["alignment"]}
    assert not set(ids) <= {objective.data.pairs[row].id for row in draw.drawn["diffusion"]}


def test_peak_memory_is_the_most_that_there_was():
    import psutil

    def now() -> int:
        return psutil.Process().memory_info().rss

    held = np.ones(2**25)
    most = now()
    del held
    assert peak_memory(torch.device("cpu")) > most - 2**25 > now()


def test_a_gradient_that_is_not_finite_is_refused(pairs: Path, trained: Path, tiny, tmp_path: Path):
    config = tiny("vae")

    def build() -> Any:
        objective = stage_builder(config, pairs, trained)()
        next(objective.trained.parameters()).register_hook(lambda gradient: gradient * math.inf)
        return objective

    with pytest.raises(CheckpointError, match=r"the gradient norm of stage vae is (nan|inf) at step 0, with the pairs"):
        train(build, config, tmp_path)
    assert all(weight.isfinite().all() for weight in state_of(tmp_path)["trained"].values())


def test_parts_of_a_batch_add_up_to_it(train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch):
    """With descent in proportion to the gradient, as for several processes; without dropout."""
    monkeypatch.setattr(torch.optim, "AdamW", plain)
    for stage in ("vae", "vocoder"):
        weights = []
        for accumulate in (1, 2):
            config = tiny(stage, batch=4, accumulate=accumulate, steps=3)
            train_stage(config, trained, tmp_path / f"{stage} {accumulate}")
            weights.append(state_of(tmp_path / f"{stage} {accumulate}"))
        for name, value in weights[0]["trained"].items():
            torch.testing.assert_close(weights[1]["trained"][name], value, rtol=0, atol=1e-5, msg=f"{stage} {name}")
        losses = [next(row["loss"] for row in state["history"] if "loss" in row) for state in weights]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize("stage", ["embedding", "aligner"])
def test_a_batch_that_is_compared_in_itself_is_not_computed_in_parts(
    train_stage, tiny, trained: Path, tmp_path: Path, stage: str
):
    with pytest.raises(SettingError, match=f"accumulate 2 with stage {stage}, which compares"):
        train_stage(tiny(stage, batch=4, accumulate=2), trained, tmp_path)


def test_a_batch_that_has_no_such_parts_is_refused(train_stage, tiny, trained: Path, tmp_path: Path):
    with pytest.raises(SettingError, match="a batch of 3 for 1 process and accumulate 2; expected a multiple of 2"):
        train_stage(tiny("vae", accumulate=2), trained, tmp_path)


class Witness:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, Any]] = []

    def stepped(self, step: int, values: dict[str, float]) -> None:
        self.told.append(("stepped", step, values))

    def validated(self, step: int, results: dict[str, float]) -> None:
        self.told.append(("validated", step, results))

    def preview(self, step: int, objective: Any) -> None:
        assert not objective.training
        assert not torch.is_grad_enabled()
        self.told.append(("preview", step, weights_of(objective)))


def test_an_observer_is_told_what_happens(train_stage, tiny, trained: Path, tmp_path: Path):
    witness, config = Witness(), tiny("aligner", steps=21, validate_every=20, preview_every=15)
    objective, history = train_stage(config, trained, tmp_path, observer=witness)
    assert [told[:2] for told in witness.told] == [
        ("preview", 15),
        ("stepped", 20),
        ("validated", 20),
        ("stepped", 21),
        ("validated", 21),
        ("preview", 21),
    ]
    values = witness.told[1][2]
    assert {"loss", "diffusion", "alignment", "gradient norm", "learning rate"} <= values.keys()
    assert values["learning rate"] == learning_rate_at(19, config)
    assert 0.01 < values["examples per second"] < 10_000
    assert values["peak memory"] > 1e6
    assert values["loss"] == history[0]["loss"]
    assert {**witness.told[2][2], "step": 20.0} == history[1]
    assert same(witness.told[-1][2], weights_of(objective))
    assert not same(witness.told[0][2], witness.told[-1][2])
    again = Witness()
    train_stage(config, trained, tmp_path, observer=again)
    assert again.told == []


def test_a_term_without_examples_is_left_out_of_the_means():
    steps = [{"loss": loss, "low": low} for loss, low in ((1.0, math.nan), (2.0, 4.0), (6.0, math.nan))]
    assert means_of([*map(finite, steps)]) == {"loss": 3.0, "low": 4.0}
    assert means_of([finite(steps[0])]) == {"loss": 1.0}
    told = averaged({"loss": torch.tensor([1.0, 3.0]), "low": torch.tensor([math.nan, 5.0])})
    assert told == {"loss": 2.0, "low": 5.0}
    assert math.isnan(averaged({"low": torch.tensor(math.nan)})["low"])


def test_the_denoiser_or_what_is_trained_is_compiled(train_stage, tiny, trained: Path, tmp_path: Path, monkeypatch):
    compiled: list[Any] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(type(self).__name__))
    for stage in ("aligner", "vocoder"):
        train_stage(tiny(stage, steps=1, compile=True), trained, tmp_path / stage)
    assert compiled == ["UNet", "TonewheelVocoder"]


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
