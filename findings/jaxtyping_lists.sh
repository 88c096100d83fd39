#!/usr/bin/env bash
# With jaxtyping and beartype, a list of arrays is annotated list[Float[Tensor, "n d"]]. beartype checks one item of a list,
# chosen at random: a wrong item usually passes, and so do two items whose shapes contradict each other.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 jaxtyping==0.3.11 beartype==0.23.1
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
from beartype import beartype
from jaxtyping import Float, jaxtyped


@jaxtyped(typechecker=beartype)
def count(items: list[Float[np.ndarray, "n d"]]) -> int:
    return len(items)


def passes(items):
    try:
        return count(items) == len(items)
    except Exception:
        return False


good, wide, flat = np.zeros((2, 3)), np.zeros((2, 4)), np.zeros(5)
unequal = sum(passes([good, wide]) for _ in range(200))
wrong = sum(passes([good] * 9 + [flat]) for _ in range(200))
print("jaxtyping", version("jaxtyping"), "beartype", version("beartype"))
print(f"two widths for one letter: {unequal} of 200 calls pass; one vector among nine matrices: {wrong} of 200 pass")
assert 20 < unequal
assert 0 < 200 - wrong < 80
assert not passes([flat])
PY
echo "confirmed: only one item of a list is checked"
