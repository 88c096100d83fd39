from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr, wilcoxon

from art2mus_core.errors import EvaluationError
from art2mus_core.evaluation.compare import ALPHA, FEWEST, compare
from art2mus_core.evaluation.results import Measure, Report, Scatter

MEASURES = {
    "up": Measure("up", "Up", "match", "higher"),
    "down": Measure("down", "Down", "distance", "lower"),
    "either": Measure("either", "Either", "faults"),
    "same": Measure("same", "Same", "match", "higher"),
}
N = 23


def scored(better: float, seed: int = 0, names=range(N), measures=MEASURES) -> dict[str, dict[str, float]]:
    """Values of one system; `better` moves all but the last measure."""
    rng = np.random.default_rng(seed)
    return {
        f"p{name}": {
            key: float(rng.normal()) * 0.3 + {"up": better, "down": -better, "either": better}.get(key, 0.0)
            for key in measures
        }
        for name in names
    }


@pytest.fixture
def report():
    return Report(MEASURES, {}, {"good": scored(1.0), "bad": scored(0.0, 4)})


def test_differences_and_p_values_are_those_of_scipy(report):
    found = {each.measure.key: each for each in compare(report, report, ("good", "bad"), everything=True)}
    good, bad = (
        np.array([[row[key] for key in MEASURES] for row in report.pieces[s].values()]) for s in ("good", "bad")
    )
    for index, key in enumerate(MEASURES):
        each = found[key]
        assert (each.n, each.a, each.b) == (
            N,
            pytest.approx(good[:, index].mean()),
            pytest.approx(bad[:, index].mean()),
        )
        assert each.difference == pytest.approx((good - bad)[:, index].mean())
        assert each.low < each.difference < each.high
        assert each.p == pytest.approx(wilcoxon(good[:, index], bad[:, index]).pvalue)
        assert each.p <= each.adjusted <= min(1.0, len(MEASURES) * each.p)
    assert {key: each.verdict for key, each in found.items()} == {
        "up": "A is better",
        "down": "A is better",
        "either": "A is higher",
        "same": "no difference shown",
    }


def test_the_other_way_round_it_says_the_opposite(report):
    there, back = compare(report, report, ("good", "bad")), compare(report, report, ("bad", "good"))
    opposite = {"A is better": "B is better", "A is higher": "B is higher"}
    for one, other in zip(there, back, strict=True):
        assert other.verdict == opposite.get(one.verdict, one.verdict)
        assert (other.difference, other.p) == (pytest.approx(-one.difference), pytest.approx(one.p))


def test_many_measures_cost_certainty():
    rng = np.random.default_rng(3)
    keys = {f"m{k}": Measure(f"m{k}", str(k), "match", "higher") for k in range(40)}
    noise = [{f"p{n}": {key: float(rng.normal()) for key in keys} for n in range(N)} for _ in range(2)]
    report = Report(keys, {}, dict(zip("ab", noise, strict=True)))
    found = compare(report, report, ("a", "b"))
    assert any(each.p < ALPHA for each in found)
    assert {each.verdict for each in found} == {"no difference shown"}


def test_takes_count_as_one_artwork(report):
    doubled = {f"{name}{take}": row for name, row in scored(1.0).items() for take in ("", "--2", "--3")}
    doubled["p0"] = {**doubled["p0"], "up": doubled["p0"]["up"] + 3}
    other = replace(report, pieces={"good": doubled})
    found = compare(other, report, ("good", "good"))
    assert {each.n for each in found} == {N}
    assert found[0].difference == pytest.approx(1 / N)
    assert found[1].difference == pytest.approx(0, abs=1e-12)


def test_only_what_both_have_is_compared(report):
    pieces = scored(0.5, 2, range(10, 40))
    pieces["p12"] = {**pieces["p12"], "up": math.nan}
    other = Report({key: MEASURES[key] for key in ("up", "down")}, {}, {"it": pieces})
    found = compare(report, other, ("good", "it"))
    assert [(each.measure.key, each.n) for each in found] == [("up", 12), ("down", 13)]


def test_few_artworks_tell_nothing(report):
    few = replace(report, pieces={"good": scored(9.0, 0, range(FEWEST - 1)), "bad": scored(0.0, 4)})
    assert {each.verdict for each in compare(few, few, ("good", "bad"))} == {"too few artworks to tell"}
    assert wilcoxon(np.arange(1.0, FEWEST)).pvalue > ALPHA > wilcoxon(np.arange(1.0, FEWEST + 1)).pvalue


def test_the_seed_decides_the_interval(report):
    first, again, other = (compare(report, report, ("good", "bad"), seed=seed)[0] for seed in (0, 0, 1))
    assert first == again
    assert (first.low, first.p) != (other.low, other.p)
    assert first.p == other.p


@pytest.mark.parametrize(
    ("pieces", "systems", "words"),
    [
        ({"a": {"p1": {"up": 1.0}}}, ("a", "b"), "no system named 'b'"),
        ({"a": {"p1": {"up": 1.0}}, "b": {"p2": {"up": 1.0}}}, ("a", "b"), "share no measure on the same artwork"),
        ({"a": {"p1": {"up": 1.0}}, "b": {"p1": {"down": 1.0}}}, ("a", "b"), "share no measure on the same artwork"),
        ({"a": {"p1": {"up": math.nan}}, "b": {"p1": {"up": 1.0}}}, ("a", "b"), "share no measure on the same artwork"),
    ],
)
def test_what_cannot_be_compared_is_said(pieces, systems, words):
    report = Report(MEASURES, {}, pieces)
    with pytest.raises(EvaluationError, match=words):
        compare(report, report, systems)


def test_ranks_and_mean_that_point_to_different_sides_show_no_difference():
    """Most artworks are a little better with A, a few are much better with B."""
    rows = {f"p{n}": {"up": 0.1 + 0.001 * n if n < 20 else -3.0} for n in range(N)}
    zeros = {name: {"up": 0.0} for name in rows}
    (found,) = compare(Report(MEASURES, {}, {"a": rows}), Report(MEASURES, {}, {"b": zeros}), ("a", "b"))
    assert found.adjusted < ALPHA
    assert found.difference < 0
    assert found.verdict == "no difference shown"


def test_how_the_music_follows_is_compared_over_the_same_artworks(report):
    rng = np.random.default_rng(5)
    x = rng.normal(size=N)
    plots = []
    for system, spread in (("good", 0.2), ("bad", 50.0)):
        takes = [
            (f"p{i}{take}", float(x[i]), float(x[i] + spread * rng.normal())) for i in range(N) for take in ("", "--2")
        ]
        plots.append(Scatter(system, "paintings", "contrast (percentile)", "Onset rate (1/s)", tuple(takes)))
    found = compare(replace(report, scatters=tuple(plots)), replace(report, scatters=tuple(plots)), ("good", "bad"))
    first = found[0]
    assert first.measure.title == "Onset rate (1/s) ~ contrast (percentile)"
    assert (first.n, first.verdict) == (N, "A is better")
    means = np.array(
        [
            [
                np.mean([y for name, _, y in plot.points if name.startswith(f"p{i}-") or name == f"p{i}"])
                for i in range(N)
            ]
            for plot in plots
        ]
    )
    assert first.a == pytest.approx(spearmanr(x, means[0])[0])
    assert first.b == pytest.approx(spearmanr(x, means[1])[0])
    assert len(found) == 1 + sum(bool(each.better) for each in MEASURES.values())
