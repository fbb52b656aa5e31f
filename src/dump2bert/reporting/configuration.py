"""The configuration as text that a person can read: the form of config.yaml."""

import json


def as_text(values, depth=0):
    """Nested dicts as indented lines `key: value`; null is left out: to the configuration it is as if not there."""
    lines = []
    for key, value in values.items():
        if isinstance(value, dict) and value:
            lines += [f"{'  ' * depth}{key}:", as_text(value, depth + 1)]
        elif value is not None:
            lines.append(f"{'  ' * depth}{key}: {plain(value)}")
    return "\n".join(line for line in lines if line)


def plain(value):
    return value if isinstance(value, str) and value.isprintable() and value.strip() == value != "" else \
        json.dumps(value, ensure_ascii=False)
