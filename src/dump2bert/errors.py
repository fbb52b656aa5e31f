"""The two ways in which a command ends early without being broken."""


class BadInput(Exception):
    """Something the user gave cannot be used. The message is one sentence: what, where, what to do. Exit code 1."""


class Interrupted(Exception):
    """The work was told to stop; the same command goes on from the state that it has saved, or (finetuning) begins anew.
    Exit code 75."""
