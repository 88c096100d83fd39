"""Configurations that a person writes: YAML files, checked before any work begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import SettingError

__all__ = ["Configuration", "Fields", "problems"]

FOLDER = Path(__file__).parent / "configs"

Chosen = TypeVar("Chosen", bound="Configuration")


class Fields(BaseModel):
    """A group of fields; unknown ones are refused, and none can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Configuration(Fields):
    """The content of a configuration file.

    Attributes:
        kind: folder of the packaged files below `configs/`, and, in capitals, the page in `docs/` that explains the fields.
    """

    kind: ClassVar[str]

    @classmethod
    def packaged(cls) -> dict[str, Path]:
        """The packaged configurations' paths by name."""
        return {path.stem: path for path in sorted((FOLDER / cls.kind).glob("*.yaml"))}

    @classmethod
    def load(cls: type[Chosen], name: str, overrides: dict[str, Any] | None = None) -> Chosen:  # noqa: PYI019  beartype knows no Self here
        """Read a packaged configuration by name, or a YAML file by path.

        Relative paths in a file start at its folder; those in a packaged one, at the working directory.

        Args:
            name: the name or the path.
            overrides: values that replace fields of the file.

        Raises:
            SettingError: unknown name, invalid YAML, or an invalid field.
        """
        import yaml  # noqa: PLC0415 - of the extras eval and train

        packaged = cls.packaged()
        path = packaged.get(name, Path(name))
        if not path.is_file():
            raise SettingError(
                f"no {cls.kind} configuration {name!r}",
                f"one of {', '.join(packaged)}, or a YAML file",
                "Check the name.",
            )
        base = Path() if name in packaged else path.parent
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict):
                raise TypeError("it is not a table of fields")
            return cls.model_validate({**content, **(overrides or {})}, context={"base": base})
        except ValidationError as error:
            reason = problems(error)
        except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # an impossible date is a ValueError
            reason = " ".join(str(error).split())
        raise SettingError(f"{path} ({reason})", f"the fields in docs/{cls.kind.upper()}.md", "Correct the file.")


def problems(error: ValidationError) -> str:
    """Each invalid field and what is wrong with it, on one line."""
    lines = []
    for each in error.errors(include_url=False):
        place = ".".join(str(part) for part in each["loc"])
        message = "no such field" if each["type"] == "extra_forbidden" else each["msg"].removeprefix("Value error, ")
        lines.append(f"{place}: {message}" if place else message)
    return "; ".join(" ".join(line.split()) for line in lines)
