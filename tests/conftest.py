"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data sets (not part of the project), or a skip."""
    folder = Path(os.environ.get("DUMP2BERT_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set DUMP2BERT_DATA)")
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A module's tests go to one of pytest's processes (--dist loadgroup), so that what they share is made once.

    The longest group begins first (with --no-loadscope-reorder), or the others would wait for it in the end."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_make_parametrize_id(val, argname):
    """Bytes get no part in a test's name: packed ones hold the time, so two processes would collect different names."""
    return argname if isinstance(val, bytes) else None
