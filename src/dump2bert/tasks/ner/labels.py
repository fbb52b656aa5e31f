"""Labels of tokens in the scheme BMES: O outside, S_x a token that is an entity of type x by itself, B_x M_x ... E_x
the first, middle and last token of a longer one.

The order of the labels is the model zoo's, label2id = {"O": 0, "S_address": 1, "B_address": 2, "M_address": 3, ...}; it
is fixed once, by task_data, and written to labels.json, which every later stage reads.
"""

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import opened, read_json

PREFIXES = ("S", "B", "M", "E")


class Labels:
    """names: all labels in the order of their ids, "O" first; types: the entity types in that order."""

    def __init__(self, names):
        self.names = list(names)
        self.ids = {name: number for number, name in enumerate(self.names)}
        self.parts = [("O", None)] + [(name[0], name[2:]) for name in self.names[1:]]
        self.types = list(dict.fromkeys(kind for _, kind in self.parts[1:]))

    @classmethod
    def of_types(cls, types):
        return cls(["O", *(f"{prefix}_{kind}" for kind in types for prefix in PREFIXES)])

    def __len__(self):
        return len(self.names)

    def check_whole(self, path):
        """BadInput where a type of the file `path` lacks one of its labels: some entities could not be labelled."""
        for kind in self.types:
            for name in (f"{prefix}_{kind}" for prefix in PREFIXES):
                if name not in self.ids:
                    raise BadInput(f"{path} has no {name}: each type needs S_TYPE, B_TYPE, M_TYPE and E_TYPE")

    def encode(self, spans, length):
        """Spans of tokens (start, end, type), apart from each other -> the label ids of `length` tokens."""
        ids = [0] * length
        for start, end, kind in spans:
            if end - start == 1:
                ids[start] = self.ids[f"S_{kind}"]
                continue
            ids[start:end] = [self.ids[f"M_{kind}"]] * (end - start)
            ids[start], ids[end - 1] = self.ids[f"B_{kind}"], self.ids[f"E_{kind}"]
        return ids

    def decode(self, ids):
        """Label ids -> the set of spans of tokens (start, end, type). Only what is complete is an entity: S, or B M* E
        of one type."""
        spans, start, open_type = set(), None, None
        for position, number in enumerate(ids):
            prefix, kind = self.parts[number]
            if prefix == "S":
                spans.add((position, position + 1, kind))
            if prefix == "E" and kind == open_type:
                spans.add((start, position + 1, kind))
            if prefix == "B":
                start, open_type = position, kind
            elif prefix != "M" or kind != open_type:
                start = open_type = None
        return spans

    def legal(self):
        """What annotations can contain, as booleans: transitions (K, K) from row to column, start (K,), end (K,)."""
        inside = np.array([prefix in "BM" for prefix, _ in self.parts])       # more of the entity must follow
        continues = np.array([prefix in "ME" for prefix, _ in self.parts])    # more of it must stand before
        same_type = np.array([[a == b for _, b in self.parts] for _, a in self.parts])
        transitions = (inside[:, None] & continues & same_type) | (~inside[:, None] & ~continues)
        return transitions, ~continues, ~inside


def read_labels(path):
    """Labels of a file: label2id as JSON (labels.json), or the model zoo's list of types, one a line."""
    with opened(path) as file:
        text = file.read()
    if not text.lstrip().startswith("{"):
        types = [line.strip() for line in text.splitlines() if line.strip()]
        if not types or types[0].startswith("["):
            raise BadInput(f'{path} holds no labels: {{"O": 0, "S_TYPE": 1, ..}}, or a list of types, one a line, is wanted')
        return Labels.of_types(types)
    ids = read_json(path)
    names = sorted(ids, key=lambda name: ids[name] if isinstance(ids[name], int) else -1)
    if [ids[name] for name in names] != list(range(len(names))) or len(names) < 2 or names[0] != "O":
        raise BadInput(f'{path} should number its labels 0, 1, 2 ..., with "O" as 0')
    for name in names[1:]:
        if name[:1] not in PREFIXES or name[1:2] not in ("_", "-") or not name[2:]:
            raise BadInput(f"{path} has the label {name!r}; S_TYPE, B_TYPE, M_TYPE and E_TYPE are known")
    return Labels(["O", *(f"{name[0]}_{name[2:]}" for name in names[1:])])
