"""The part of ComfyUI's V3 interface that the nodes use, and no more; tests/host compares it with the real one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from types import SimpleNamespace


class UploadType(StrEnum):
    image = "image_upload"


class NumberDisplay(StrEnum):
    slider = "slider"


class Hidden(StrEnum):
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    unique_id = "UNIQUE_ID"


class _Socket:
    def __init__(self, io_type, id=None, **options):  # noqa: A002  the host's name
        self.io_type, self.id = io_type, id
        self.display_name = options.pop("display_name", None)
        self.tooltip = options.pop("tooltip", None)
        self.optional = options.pop("optional", False)
        self.rawLink = options.pop("raw_link", None)
        self.is_output_list = options.pop("is_output_list", False)
        self.__dict__.update(options)


def Custom(io_type):  # noqa: N802  the host's name
    def socket(id=None, **options):  # noqa: A002  the host's name
        return _Socket(io_type, id, **options)

    return SimpleNamespace(io_type=io_type, Input=socket, Output=socket)


@dataclass
class Schema:
    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    hidden: list = field(default_factory=list)
    description: str = ""
    search_aliases: list = field(default_factory=list)
    is_output_node: bool = False
    is_input_list: bool = False
    is_dev_only: bool = False
    enable_expand: bool = False
    essentials_category: str | None = None

    def finalize(self):
        if self.is_output_node:
            self.hidden += [each for each in (Hidden.prompt, Hidden.extra_pnginfo) if each not in self.hidden]


class ComfyNode:
    hidden = None

    @classmethod
    def GET_SCHEMA(cls):  # noqa: N802  the host's name
        schema = cls.define_schema()
        schema.finalize()
        return schema


class NodeOutput:
    def __init__(self, *args, ui=None, expand=None):
        self.args, self.ui, self.expand = args, ui, expand


class ComfyExtension(ABC):
    @abstractmethod
    async def get_node_list(self): ...


io = SimpleNamespace(
    ComfyNode=ComfyNode,
    Custom=Custom,
    Hidden=Hidden,
    NodeOutput=NodeOutput,
    NumberDisplay=NumberDisplay,
    Schema=Schema,
    UploadType=UploadType,
    **{
        name: Custom(io_type)
        for name, io_type in {
            "Audio": "AUDIO",
            "Boolean": "BOOLEAN",
            "Combo": "COMBO",
            "Conditioning": "CONDITIONING",
            "Float": "FLOAT",
            "Image": "IMAGE",
            "Int": "INT",
            "Latent": "LATENT",
            "Mask": "MASK",
            "Model": "MODEL",
            "String": "STRING",
            "Vae": "VAE",
        }.items()
    },
)
