"""What `art2mus train` refuses before anything is read."""

from __future__ import annotations

import pytest

from .saying import one_line, written


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--seed", "-9", "seed -9; expected 0 to 9223372036854775807"), ("--steps", "0", "steps 0; expected 1 or more")],
)
def test_an_option_out_of_range_is_told_and_not_the_packaged_file(art2mus, option: str, value: str, told: str):
    code, out, err = art2mus("train", "vae", "--data", "pairs", option, value, model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert "vae.yaml" not in err
    assert written() == []
