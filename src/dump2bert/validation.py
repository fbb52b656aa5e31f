"""One sentence about what is wrong with a value: which key, what was found, what is allowed.

pydantic finds all errors and describes them for programmers; people get the first, as a sentence.
"""

import difflib
from typing import get_args

from pydantic import BaseModel, ValidationError, create_model

from dump2bert.errors import BadInput


def validated(model, values, where=""):
    """`values` as `model`, or BadInput with one sentence about the first error."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise BadInput(where + sentence(model, error.errors()[0])) from None


def with_only(model, name):
    """A model of one field of `model`, without what this says of several together."""
    field = model.model_fields[name]
    return create_model(model.__name__, __config__=model.model_config, **{name: (field.annotation, field)})


def without_nulls(values):
    if isinstance(values, dict):
        return {key: without_nulls(value) for key, value in values.items() if value is not None}
    return values


def merged(below, above):
    """`above` laid over `below`, nested dicts key by key."""
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def sentence(model, error):
    """One sentence from pydantic's description of one error."""
    place, found = ".".join(str(part) for part in error["loc"] if part != "[key]"), error["input"]
    if error["type"] == "extra_forbidden":
        allowed = fields_at(model, error["loc"][:-1])
        return f"{place} is no known key{did_you_mean(str(error['loc'][-1]), allowed)}; known here: {', '.join(allowed)}"
    if error["type"] == "invalid_key":
        return f"{place} is no key: keys are words"
    if error["type"] == "value_error":
        return f"{place}: {error['ctx']['error']}" if place else str(error["ctx"]["error"])
    if isinstance(found, dict) and "type" not in error["type"]:
        found = "a section"
    if error["type"] in ("dict_type", "model_type"):
        return f"{place} is {found!r}, but should be a section"
    expected = error["msg"].replace("Input should be ", "").replace("a valid integer", "an integer").replace("a valid ", "a ")
    return f"{place} is {found!r}, but should be {expected}"


def did_you_mean(word, words):
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def fields_at(model, location):
    """The field names of the section that a pydantic error location leads to."""
    for part in location:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            break
        if part not in model.model_fields:
            continue
        annotation = model.model_fields[part].annotation
        inner = [a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, BaseModel)]
        model = inner[-1] if inner else model
    return list(model.model_fields)
