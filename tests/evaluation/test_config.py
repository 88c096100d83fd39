from __future__ import annotations

from pathlib import Path

import pytest

from art2mus_core.errors import SettingError
from art2mus_core.evaluation.config import EvaluationConfig
from art2mus_core.evaluation.systems.shuffled import ShuffledSystem

GOOD = """
artworks:
  - {folder: paintings, group: paintings}
  - {samples: true, count: 2}
seconds: 2
seeds: [0, 5]
captions: {file: words.json}
background: {folder: music}
metrics: {embedders: [pocket, "clap:models/clap"]}
systems:
  ours: {kind: artwork, model: mine, steps: 3}
  torn: {kind: shuffled, of: ours}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "my comparison.yaml"
    file.write_text(GOOD, encoding="utf-8")
    return file


def refused(path: Path, old: str, new: str, said: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingError, match=said) as caught:
        EvaluationConfig.load(str(path))
    assert all((caught.value.came, caught.value.expected, caught.value.remedy))
    assert path.name in str(caught.value)


def test_what_is_packaged_holds():
    assert set(EvaluationConfig.packaged()) == {"art2music", "bundled", "held_out", "published"}
    for name in EvaluationConfig.packaged():
        config = EvaluationConfig.load(name)
        kinds = {system.kind for system in config.systems.values()}
        lowest = "art2music" if name == "art2music" else "unconditional"  # pictures alone
        assert {"artwork", "shuffled", lowest} <= kinds
        for system in config.systems.values():
            if isinstance(system, ShuffledSystem):
                assert config.systems[system.of].kind in {"artwork", "art2music"}
    published = EvaluationConfig.load("published").systems
    assert {"text", "reconstruction"} <= {system.kind for system in published.values()}
    assert {(each.solver, each.steps) for each in published.values() if hasattr(each, "solver")} == {("ddim", 200)}
    held_out = EvaluationConfig.load("held_out")
    assert [(source.split, source.count) for source in held_out.artworks] == [("test", 200)]
    assert (held_out.background.split, held_out.background.count) == ("validation", 500)


def test_paths_start_at_the_file_and_names_of_checkpoints_may(path, tmp_path):
    config = EvaluationConfig.load(str(path))
    assert config.artworks[0].folder == tmp_path / "paintings"
    assert config.captions.file == tmp_path / "words.json"
    assert config.background.folder == tmp_path / "music"
    assert config.systems["ours"].model == "mine"
    assert config.metrics.embedders == ["pocket", f"clap:{tmp_path / 'models' / 'clap'}"]
    (tmp_path / "mine").mkdir()
    assert EvaluationConfig.load(str(path)).systems["ours"].model == str(tmp_path / "mine")
    absolute = {"artworks": [{"folder": str(tmp_path / "elsewhere")}]}
    assert EvaluationConfig.load(str(path), absolute).artworks[0].folder == tmp_path / "elsewhere"
    assert EvaluationConfig.load("held_out").artworks[0].dataset == Path("data")


def test_the_bundled_model_is_not_hidden_by_a_folder_of_its_name(path, tmp_path):
    (tmp_path / "pocket").mkdir()
    fields = {"systems": {"ours": {"kind": "artwork", "model": "pocket"}}}
    assert EvaluationConfig.load(str(path), fields).systems["ours"].model == "pocket"


def test_fields_are_replaced(path):
    assert EvaluationConfig.load(str(path), {"seconds": 3, "seeds": [1]}).seeds == [1]
    with pytest.raises(SettingError, match="seconds: "):
        EvaluationConfig.load(str(path), {"seconds": 121})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seconds: 2", "second: 2", "second: no such field"),
        ("seconds: 2", "seconds: 0.5", "seconds: .*greater"),
        ("seeds: [0, 5]", "seeds: [5, 5]", "seeds: two takes with the same seed"),
        ("seeds: [0, 5]", "seeds: []", "seeds: "),
        ("seeds: [0, 5]", "seeds: [-1]", r"seeds\.0: "),
        ("{samples: true, count: 2}", "{samples: true, folder: x}", r"artworks\.1: set exactly one of"),
        ("{samples: true, count: 2}", "{count: 2}", r"artworks\.1: set exactly one of"),
        ("{samples: true, count: 2}", "{dataset: x, split: tests}", r"artworks\.1: split 'tests' is not one of"),
        ("{samples: true, count: 2}", "{samples: true, count: 0}", r"artworks\.1\.count"),
        ("{folder: music}", "{samples: true}", "background: the samples are pictures"),
        ("steps: 3", "steps: 0", r"systems\.ours\.artwork\.steps"),
        ("steps: 3", "step: 3", r"systems\.ours\.artwork\.step: no such field"),
        ("kind: artwork", "kind: artworks", r"systems\.ours: .*'artwork', 'art2music', 'text'"),
        ("kind: artwork, ", "", r"systems\.ours: .*kind"),
        ("[pocket,", "[pockets,", r"metrics\.embedders\.0: 'pockets' is not one of pocket, imagebind"),
        ("of: ours", "of: theirs", r"systems\.torn\.of: 'theirs' is not another system"),
        ("of: ours", "of: torn", r"systems\.torn\.of: 'torn' is not another system"),
        ("  torn:", "  OURS:", "systems named ours"),
        ("  torn:", "  reference:", "systems named reference"),
        ("  torn:", "  a/b:", r"systems\.a/b"),
    ],
    ids=str,
)
def test_a_field_that_does_not_hold_is_named(path, old, new, said):
    refused(path, old, new, said)
