from __future__ import annotations

import hashlib

import pytest

from art2mus_core.errors import SettingError
from art2mus_core.pipelines.settings import Settings, check_seed, check_settings, noise_seed


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 0.99},
        {"seconds": 120.01},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"steps": 0},
        {"steps": 1001},
        {"guidance": -0.1},
        {"guidance": 20.1},
        {"guidance": float("nan")},
        {"solver": "plms"},
        {"reprise": -0.1},
        {"reprise": 1.1},
        {"reprise": float("nan")},
        {"guided_below": 1.1},
    ],
    ids=str,
)
def test_what_is_outside_its_range_is_named(wrong):
    (name,) = wrong
    with pytest.raises(SettingError, match=name):
        Settings(**wrong)


@pytest.mark.parametrize(
    "right", [{"seconds": 1.0}, {"seconds": 120.0}, {"steps": 1}, {"steps": 1000}, {"guidance": 0.0}, {"reprise": 1.0}]
)
def test_the_ends_of_a_range_belong_to_it(right):
    assert vars(Settings(**right)).items() >= right.items()


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_seeds_have_63_bits(seed):
    with pytest.raises(SettingError, match=str(seed)):
        check_seed(seed)
    check_seed(2**63 - 1)


def test_only_what_was_given_is_kept():
    assert check_settings(seconds=2.0, steps=None) == {"seconds": 2.0}


def test_noise_is_of_the_seed_and_the_artwork():
    assert noise_seed(7, "ab") == int.from_bytes(hashlib.sha256(b"7 ab").digest()[:8], "little") % 2**63
    drawn = {noise_seed(seed, artwork) for seed in (0, 7, 2**63 - 1) for artwork in ("ab", "ac", "")}
    assert len(drawn) == 9
    for seed in drawn:
        check_seed(seed)


def test_shared_noise_is_of_the_seed_alone():
    seeds, artworks = [3, 3, 4], ["ab", "ac", "ab"]
    assert Settings(shared_noise=True).noise_seeds(seeds, artworks) == seeds
    assert Settings().noise_seeds(seeds, artworks) == [noise_seed(3, "ab"), noise_seed(3, "ac"), noise_seed(4, "ab")]
