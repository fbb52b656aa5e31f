"""hyper_parameter_config.ini of the model zoo's launcher: flags of pretraining in a section [config]."""

import configparser
import json
from pathlib import Path

from dump2bert.errors import BadInput

# What the launcher knows better: the zoo refused the first three as well.
OURS = ("device_id", "device_num", "data_dir", "device_target")
# Flags that are texts, even where they look like numbers.
FILES = ("vocab_file", "schema_dir", "load_checkpoint_path")
TEXTS = ("network", *FILES, "state_dir", "save_checkpoint_path", "adopt_state")


def read_hyper_parameters(path):
    """{flag: text} of an ini file (or of hyper_parameter_config.ini in a folder). BadInput where the launcher says
    it."""
    path = Path(path)
    path = path / "hyper_parameter_config.ini" if path.is_dir() else path
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=("#", ";"))
    parser.optionxform = str    # keys keep their capitals: AdamWeightDecay
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except (configparser.Error, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no ini file: {' '.join(str(error).split())}") from error
    if not parser.has_section("config"):
        raise BadInput(f"{path} has no section [config]")
    values = dict(parser.items("config"))
    for name in OURS:
        if name in values:
            raise BadInput(f"{path} sets {name}, which the launcher decides itself: take it out")
    if values.get("distribute", "true").lower() != "true":
        raise BadInput(f"{path} says distribute = {values['distribute']}, but launching is for several devices: take "
                       "it out")
    # Gradients are always exchanged once for each update, after accumulation; the zoo's other way gives the same.
    for name in ("distribute", "allreduce_post_accumulation"):
        values.pop(name, None)
    return values


def typed(values):
    """The texts of an ini as plain values: true, false, whole numbers, numbers, sections (JSON), else text."""
    return {name: value_of(name, text) for name, text in values.items()}


def value_of(name, text):
    if text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise BadInput(f"hyper parameters: {name} is no JSON: {error}") from None
    if name in TEXTS:
        return text
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
