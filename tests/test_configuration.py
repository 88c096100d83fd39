from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.configuration import FOLDER, Configuration, merged
from art2mus_core.errors import SettingError
from art2mus_core.evaluation.config import EvaluationConfig
from art2mus_core.training.config import TrainingConfig

BOTH = pytest.mark.parametrize("model", [EvaluationConfig, TrainingConfig])


@BOTH
def test_an_unknown_name_is_refused_with_the_known_ones(model: type[Configuration]):
    known = ", ".join(model.packaged())
    with pytest.raises(SettingError, match=f"no {model.kind} configuration 'vaee'; expected one of {known}, or a YAML"):
        model.load("vaee")


@BOTH
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a table"),
        (b"- a\n- list\n", "not a table"),
        (b"just a text\n", "not a table"),
        (b"seed: [1\n", "while parsing"),
        (b"seed: {1\n", "while parsing"),
        (b"\tseed: 1\n", "cannot start any token"),
        (b"seed: 2026-13-45\n", "month must be in"),
        (b"? [a]\n: b\n", "unhashable"),
        (b"1: a\n", "1: Keys should be strings"),
        (b"seed: *x\n", "undefined alias"),
        (b"!!python/object/apply:os.getcwd []\n", "python/object"),
        (b"\xff\xfe\x00s", "codec can't decode"),
        (b"a: \x00\n", "special characters"),
        (b"[" * 500 + b"]" * 500, "recursion"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_a_file_that_holds_no_configuration_is_refused(
    tmp_path: Path, model: type[Configuration], content: bytes, reason: str
):
    path = tmp_path / "own.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingError, match=rf"own\.yaml \(.*{reason}") as refused:
        model.load(str(path))
    assert "\n" not in str(refused.value)
    assert refused.value.expected == f"the fields in docs/{model.kind.upper()}.md"
    assert (FOLDER.parents[1] / "docs" / f"{model.kind.upper()}.md").is_file()


def test_a_file_has_only_what_differs_from_its_base(tmp_path: Path):
    """Tables are merged, other values replaced; bases may have bases, of other folders."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "first.yaml").write_text("base: aligner\nsteps: 7\nrestarts: [1, 2]\noptions: {crop: 9, name: first}\n")
    (tmp_path / "deep" / "second.yaml").write_text("base: ../first.yaml\nrestarts: [3]\noptions: {name: second}\n")
    packaged, found = TrainingConfig.load("aligner"), TrainingConfig.load(str(tmp_path / "deep" / "second.yaml"))
    assert found.options == {**packaged.options, "crop": 9, "name": "second"}
    assert (found.steps, found.restarts) == (7, [3])
    assert found.model == packaged.model
    same = {"steps": packaged.steps, "restarts": [], "options": packaged.options}
    assert found.model_copy(update=same) == packaged


def test_an_evaluation_may_have_a_base(tmp_path: Path):
    path = tmp_path / "own.yaml"
    path.write_text("base: bundled\nseconds: 3\nmetrics: {resamples: 11}\n")
    packaged, found = EvaluationConfig.load("bundled"), EvaluationConfig.load(str(path))
    assert (found.seconds, found.metrics.resamples) == (3, 11)
    assert found.metrics.model_copy(update={"resamples": packaged.metrics.resamples}) == packaged.metrics
    assert found.systems == packaged.systems


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"own": "base: own.yaml\n"}, "a circle of bases: own.yaml, own.yaml"),
        (
            {"own": "base: b.yaml\n", "b": "base: ./c.yaml\n", "c": "base: own.yaml\n"},
            "own.yaml, b.yaml, c.yaml, own.yaml",
        ),
        (
            {"own": "base: nothing\n"},
            "no training configuration 'nothing', the base of .*own.yaml; expected one of aligner",
        ),
        ({"own": "base: [aligner]\n"}, r"own.yaml \(base: \['aligner'\] is no text"),
        ({"own": "base: b.yaml\n", "b": "- a\n"}, r"b.yaml \(it is not a table"),
    ],
    ids=["itself", "three", "missing", "no text", "no table"],
)
def test_a_base_that_cannot_be_used_is_named(tmp_path: Path, files: dict[str, str], told: str):
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(SettingError, match=told) as refused:
        TrainingConfig.load(str(tmp_path / "own.yaml"))
    assert "\n" not in str(refused.value)


def test_settings_change_single_keys():
    settings = ["steps=7", "options.crop = 9", "model.hidden=64", "restarts=[2, 3]", "precision=no", "model.dim=null"]
    found, packaged = TrainingConfig.load("aligner", {"steps": 3}, settings), TrainingConfig.load("aligner")
    assert (found.steps, found.restarts, found.precision) == (7, [2, 3], "no")
    assert found.options == {**packaged.options, "crop": 9}
    assert found.model == {**packaged.model, "hidden": 64, "dim": None}
    assert TrainingConfig.load("vae", settings=["mel.hop=5"]).mel.hop == 5


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("steps", r"the setting 'steps' \(no key and value\); expected KEY=VALUE"),
        ("=3", "no key and value"),
        ("options..crop=3", "no key and value"),
        ("steps=[1", "while parsing"),
        ("steps=many", r"^steps=many \(steps: Input should be a valid integer.*Correct the setting"),
        ("steps.most=3", r"steps: Input should be a valid integer"),
        ("stps=3", "stps: no such field, did you mean steps?"),
        ("learning_rat=3", "did you mean learning_rate?"),
        ("mel.hops=3", "mel.hops: no such field, did you mean mel.hop?"),
        ("hop=3", "hop: no such field, did you mean mel.hop?"),
        ("zzz=3", r"zzz: no such field\)"),
    ],
)
def test_a_setting_that_does_not_hold_is_told_with_the_nearest_key(setting: str, told: str):
    with pytest.raises(SettingError, match=told) as refused:
        TrainingConfig.load("vae", settings=[setting])
    assert "vae.yaml" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_key_in_a_file_is_told_with_the_nearest(tmp_path: Path):
    path = tmp_path / "own.yaml"
    path.write_text("base: bundled\nmetrics: {resample: 3}\nsecond: 3\n")
    told = r"own.yaml \(metrics.resample: no such field, did you mean metrics.resamples\?; second: no such field, did you mean seconds\?\)"
    with pytest.raises(SettingError, match=told):
        EvaluationConfig.load(str(path))
    path.write_text("base: aligner\nsteps: many\n")
    with pytest.raises(SettingError, match=r"own.yaml .*Correct the file"):  # which is at fault, not the setting
        TrainingConfig.load(str(path), settings=["seed=3"])


TABLES = st.dictionaries(st.sampled_from("abc"), st.integers() | st.dictionaries(st.sampled_from("abc"), st.integers()))


@given(TABLES, TABLES)
def test_a_merged_table_has_all_changes_and_what_they_leave(base: dict, changes: dict):
    both = merged(base, changes)
    assert merged(both, changes) == both
    assert merged(base, {}) == merged({}, base) == merged(base, base) == base
    assert both.keys() == base.keys() | changes.keys()
    for key, value in both.items():
        old, new = base.get(key), changes.get(key, base.get(key))
        inner = isinstance(old, dict) and isinstance(new, dict)
        assert value == ({**old, **new} if inner else new)
