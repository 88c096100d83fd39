from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.character import CHARACTERS, raw_character
from art2mus_core.datasets.synthetic.calibration import (
    CHARACTERS_FILE,
    FIRST_SEEDS,
    STATISTICS_FILE,
    make_tables,
)
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.errors import OutputError, SettingError
from art2mus_core.measure.pictures import RANKED, measure, percentiles
from art2mus_core.types import Step

COUNT = 12


def quantiles_of(folder: Path) -> dict[str, tuple[float, ...]]:
    read = json.loads((folder / STATISTICS_FILE).read_text(encoding="utf-8"))
    assert read["pictures"] == COUNT
    return {name: tuple(values) for name, values in read["quantiles"].items()}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    make_tables(folder, COUNT)
    return folder


def test_the_first_population_ranks_evenly_by_its_own_table(tables: Path):
    measured = [measure(paint(FIRST_SEEDS[0] + index)) for index in range(COUNT)]
    ranks = [asdict(percentiles(one, quantiles_of(tables))) for one in measured]
    for name in RANKED:
        values = sorted(rank[name] for rank in ranks)
        np.testing.assert_allclose(values, np.linspace(0, 1, COUNT), atol=0.02)


def test_the_second_population_spreads_evenly_by_both_tables(tables: Path):
    quantiles = quantiles_of(tables)
    spread = json.loads((tables / CHARACTERS_FILE).read_text(encoding="utf-8"))
    assert set(spread) == set(CHARACTERS)
    second = [measure(paint(FIRST_SEEDS[1] + index)) for index in range(COUNT)]
    raw = [raw_character(percentiles(one, quantiles)) for one in second]
    for name in CHARACTERS:
        levels = np.linspace(0, 1, len(spread[name]))
        values = sorted(np.interp(one[name], spread[name], levels) for one in raw)
        np.testing.assert_allclose(values, np.linspace(0, 1, COUNT), atol=0.03)


def test_progress_runs_over_both_populations(tmp_path: Path):
    steps: list[Step] = []
    make_tables(tmp_path, 2, on_step=steps.append)
    assert [(step.done, step.total) for step in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_one_painting_is_refused(tmp_path: Path):
    with pytest.raises(SettingError, match="at least 2 paintings"):
        make_tables(tmp_path, 1)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / STATISTICS_FILE).mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        make_tables(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == [STATISTICS_FILE]
