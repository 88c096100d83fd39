from __future__ import annotations

from pathlib import Path

import pytest

from art2mus_core.configuration import FOLDER, Configuration
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
