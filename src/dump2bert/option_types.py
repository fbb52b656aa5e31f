"""The kinds of values that options have: what config.py and command_options.py build their sections from."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def number(value):
    """YAML reads 1e-4 as a text (it wants 1.0e-4); people mean the number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def one_or_many(value):
    return [value] if isinstance(value, str) else value


def known_schemes(places):
    for place in places:
        scheme, is_address, _ = place.partition("://")
        if is_address and scheme not in ("https", "http", "file"):
            raise ValueError(f"{place} cannot be fetched: only https, http, file and paths are known")
        if is_address and "," in place:
            raise ValueError(f"{place} holds a comma, which stands between addresses: write %2C for it")
    return places


def without_comma(folder):
    if "," in folder:
        raise ValueError(f"{folder!r} holds a comma, which stands between files in lists of them: name another folder")
    return folder


def distinct(values):
    if len(set(values)) < len(values):
        raise ValueError(f"{values} holds something twice")
    return values


def sha256(value):
    if not re.fullmatch("[0-9a-fA-F]{64}", value):
        raise ValueError(f"{value!r} is no SHA-256, which has 64 hexadecimal digits")
    return value


def plain_name(name):
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == "index":
        raise ValueError(f"{name!r} is no good name: use a-z, 0-9 and _, with a letter first, and not `index`")
    return name


Above0 = Annotated[float, BeforeValidator(number), Field(gt=0)]
NotNegative = Annotated[float, BeforeValidator(number), Field(ge=0)]
Scale = Annotated[float, BeforeValidator(number), Field(ge=1)]
Probability = Annotated[float, BeforeValidator(number), Field(ge=0, le=1)]
Dropout = Annotated[float, BeforeValidator(number), Field(ge=0, lt=1)]
Sha256 = Annotated[str, AfterValidator(sha256)]
Text = Annotated[str, Field(min_length=1)]
Folder = Annotated[Text, AfterValidator(without_comma)]
Name = Annotated[str, AfterValidator(plain_name)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
StepsOrAll = Annotated[int, Field(ge=-1)]
Places = Annotated[list[str], BeforeValidator(one_or_many), Field(min_length=1), AfterValidator(known_schemes)]
Device = Literal["Ascend", "GPU", "CPU"]
Fields = dict[Literal["text", "text_pair", "label", "id"], str | int | list[str | int]] | None


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True, defer_build=True)
