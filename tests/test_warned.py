"""Whose doing a warning is, shown with the decorator by which transformers renames arguments."""

from __future__ import annotations

import importlib.util
import textwrap
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2Model

from .warned import ROOT, is_ours, judged

LIBRARY = """
    import warnings
    from torch import nn
    from transformers.utils.deprecation import deprecate_kwarg

    class Renamed(nn.Module):
        @deprecate_kwarg("old", "999", new_name="new")
        def forward(self, new=None):
            return new

    def warns(old=None):
        return _helper(old)

    def _helper(old):
        warnings.warn("`old` is deprecated", FutureWarning, stacklevel=1)
        return old

    def uses_its_own(value):
        return Renamed()(old=value)
"""
OTHER = """
    def uses(function, value):
        return function(old=value)
"""


@pytest.fixture
def library(tmp_path):
    """Writes a library and imports it."""

    def write(name, source):
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(source))
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return write


@pytest.fixture
def told():
    """The warnings that are not ours; the end of the run is not to tell of these."""
    with warnings.catch_warnings(record=True) as found, judged():
        warnings.simplefilter("always")
        yield found


def test_our_use_of_an_old_name_fails(library, told):
    old = library("old_library", LIBRARY)
    for call in (old.Renamed(), old.warns, torch.no_grad()(old.warns)):
        with pytest.raises(FutureWarning, match="old"):
            call(old=3)
    assert told == []


def test_our_second_use_of_it_fails_after_a_librarys_first(library, told):
    old, other = library("old_library", LIBRARY), library("other_library", OTHER)
    other.uses(old.warns, 3)
    with pytest.raises(FutureWarning):
        old.warns(old=3)
    assert len(told) == 1


def test_a_librarys_use_of_an_old_name_is_told(library, told):
    old, other = library("old_library", LIBRARY), library("other_library", OTHER)
    renamed = old.Renamed()
    assert other.uses(renamed, 3) == other.uses(old.warns, 3) == old.uses_its_own(3) == 3
    assert [str(warning.message)[:5] for warning in told] == ["`old`"] * 3


def test_the_old_name_of_gpt2s_cache_is_ours(told):
    """Where this version has one: the module under which transformers files this warning is its own."""
    model = GPT2Model(GPT2Config(n_embd=4, n_head=1, n_layer=1, n_positions=3, vocab_size=1))
    words = torch.zeros(1, 2, 4)
    if not hasattr(model(inputs_embeds=words), "cache"):
        pytest.skip("before transformers 5.24 it was the only name")
    with pytest.raises(FutureWarning, match="past_key_values"):
        model(inputs_embeds=words, past_key_values=None)


@pytest.mark.parametrize("room", ["art2mus_core/x.py", "nodes/x.py", "tests/x/x.py", "__init__.py"])
def test_every_room_is_ours(told, room):
    for name in ("any_name", "numpy"):  # of the module: the host gives the pack a name of its own
        warner = compile("import warnings; warnings.warn('x')", str(ROOT / room), "exec")
        with pytest.raises(UserWarning):
            exec(warner, {"__name__": name})


def test_what_compiled_code_warns_of_is_its_callers(library, told):
    for ours in (lambda: np.zeros(1) / np.zeros(1), lambda: np.mean(np.zeros(0))):
        with pytest.raises(RuntimeWarning):
            ours()
    divides = library("dividing_library", "def divide(array): return array / array").divide
    assert np.isnan(divides(np.zeros(1)))
    assert len(told) == 1


def test_what_is_not_in_a_room_is_a_librarys():
    assert not is_ours(str(ROOT / ".venv" / "lib" / "torch" / "nodes" / "x.py"))
    assert not is_ours(nn.Module.__call__.__code__.co_filename)
    assert not is_ours("<string>")
