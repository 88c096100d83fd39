"""Configurations that a person writes: YAML files, checked before any work begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import SettingError

__all__ = ["Configuration", "Fields", "known_keys", "merged", "problems"]

FOLDER = Path(__file__).parent / "configs"

BASE = "base"
"""The field of a file that names the configuration from which it differs."""

Chosen = TypeVar("Chosen", bound="Configuration")

Table = dict[Any, Any]


class Fields(BaseModel):
    """A group of fields; unknown ones are refused, and none can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Configuration(Fields):
    """The content of a configuration file.

    A file may name another one in the field `base`, packaged by name or by its path from the file's own folder, and then has
    only what differs from it: tables are merged, other values replaced.

    Attributes:
        kind: folder of the packaged files below `configs/`, and, in capitals, the page in `docs/` that explains the fields.
    """

    kind: ClassVar[str]

    @classmethod
    def packaged(cls) -> dict[str, Path]:
        """The packaged configurations' paths by name."""
        return {path.stem: path for path in sorted((FOLDER / cls.kind).glob("*.yaml"))}

    @classmethod
    def located(cls, content: Table, folder: Path) -> Table:  # noqa: ARG003
        """The content of a file, or of settings, in which paths from a folder are absolute; by default as it is."""
        return content

    @classmethod
    def load(  # noqa: PYI019  beartype knows no Self here
        cls: type[Chosen],
        name: str,
        overrides: Table | None = None,
        settings: Sequence[str] = (),
        *,
        more: Callable[[Table], Iterable[str]] = lambda _: (),
    ) -> Chosen:
        """Read a packaged configuration by name, or a YAML file by path.

        Relative paths in a file start at the folder of the file; those of settings and of packaged files, at the working directory.

        Args:
            name: the name or the path.
            overrides: values that replace fields of the file.
            settings: further changes, each as `key=value`; dots in a key lead into tables, and the value is YAML.
            more: further known keys of a content, of which the nearest to an unknown one is told.

        Raises:
            SettingError: unknown name, invalid YAML, or an invalid field.
        """
        content = {**_resolved(cls, name), **(overrides or {})}
        asked = content
        for setting in settings:
            asked = merged(asked, cls.located(_table_of(setting), Path.cwd()))
        base = Path() if name in cls.packaged() else Path(name).parent

        def checked(table: Table) -> Chosen | str:
            """The configuration of a table, or what is wrong with it."""
            try:
                return cls.model_validate(table, context={"base": base})
            except ValidationError as error:
                return problems(error, lambda: [*known_keys(cls), *more(table)])

        found = checked(asked)
        if not isinstance(found, str):
            return found
        fields = f"the fields in docs/{cls.kind.upper()}.md"
        if settings and not isinstance(checked(content), str):
            raise SettingError(f"{', '.join(settings)} ({found})", fields, "Correct the setting.")
        raise SettingError(f"{cls.packaged().get(name, name)} ({found})", fields, "Correct the file.")


def _resolved(kind: type[Configuration], name: str, above: tuple[Path, ...] = ()) -> Table:
    """The content of a file with that of its bases; `above` are the files that were read on the way to it.

    Raises:
        SettingError: an unknown name, a file that is no table, or a file that is its own base.
    """
    packaged = kind.packaged()
    path = packaged.get(name) or (above[-1].parent if above else Path()) / name
    if not path.is_file():
        raise SettingError(
            f"no {kind.kind} configuration {name!r}{f', the base of {above[-1]}' if above else ''}",
            f"one of {', '.join(packaged)}, or a YAML file",
            "Check the name.",
        )
    if path.resolve() in [each.resolve() for each in above]:
        raise SettingError(
            f"a circle of bases: {', '.join(each.name for each in (*above, path))}",
            "bases that end with a file without one",
            f"Remove the field {BASE} from one of them.",
        )
    content = _read(kind, path)
    if name not in packaged:
        content = kind.located(content, path.parent.resolve())
    base = content.pop(BASE, None)
    if base is None:
        return content
    if not isinstance(base, str):
        raise SettingError(f"{path} ({BASE}: {base!r} is no text)", "the name or path of its base", "Correct the file.")
    return merged(_resolved(kind, base, (*above, path)), content)


def _read(kind: type[Configuration], path: Path) -> Table:
    """The table in one file, as it is."""
    import yaml  # noqa: PLC0415 - of the extras eval and train

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
        reason = "it is not a table of fields"
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # an impossible date is a ValueError
        reason = " ".join(str(error).split())
    raise SettingError(f"{path} ({reason})", f"the fields in docs/{kind.kind.upper()}.md", "Correct the file.")


def _table_of(setting: str) -> Table:
    """The table of a setting `key=value`.

    Raises:
        SettingError: it has another form, or its value is no YAML.
    """
    import yaml  # noqa: PLC0415

    key, equals, text = setting.partition("=")
    names = key.strip().split(".")
    try:
        if not equals or not all(names):
            raise ValueError("no key and value")
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise SettingError(
            f"the setting {setting!r} ({reason})",
            "KEY=VALUE, such as steps=2000, options.crop=100 or 'trackers=[tensorboard]'",
            "Correct the setting.",
        ) from error
    for name in reversed(names):
        value = {name: value}
    return value


def merged(base: Mapping[Any, Any], changes: Mapping[Any, Any]) -> Table:
    """Two tables as one: tables that both have are merged in the same way, other values of `changes` replace those of `base`."""
    both = {**base, **changes}
    for key in base.keys() & changes.keys():
        if isinstance(base[key], Mapping) and isinstance(changes[key], Mapping):
            both[key] = merged(base[key], changes[key])
    return both


def known_keys(kind: type[BaseModel], within: str = "") -> list[str]:
    """The fields of a model, and of the models in them, with dots between the names."""
    keys = []
    for name, field in kind.model_fields.items():
        keys.append(f"{within}{name}")
        for each in _models(field.annotation):
            keys += known_keys(each, f"{within}{name}.")
    return keys


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


def problems(error: ValidationError, known: Callable[[], Iterable[str]] = tuple) -> str:
    """Each invalid field and what is wrong with it, on one line.

    Args:
        error: what pydantic found.
        known: returns the keys of which the nearest to an unknown one is told.
    """
    lines = []
    for each in error.errors(include_url=False):
        place = ".".join(str(part) for part in each["loc"])
        message = each["msg"].removeprefix("Value error, ")
        if each["type"] == "extra_forbidden":
            nearest = _nearest(place, list(known()))
            message = f"no such field{f', did you mean {nearest}?' if nearest else ''}"
        lines.append(f"{place}: {message}" if place else message)
    return "; ".join(" ".join(line.split()) for line in lines)


def _nearest(key: str, known: Sequence[str]) -> str | None:
    """The known key that is most like another one: in whole, or else in its last name."""
    if found := get_close_matches(key, known, 1):
        return found[0]
    last = {each.rpartition(".")[2]: each for each in reversed(known)}
    found = get_close_matches(key.rpartition(".")[2], last, 1)
    return last[found[0]] if found else None
