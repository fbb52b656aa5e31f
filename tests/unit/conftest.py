"""Fixtures of the unit tests that are dear to make."""

import pytest


@pytest.fixture(scope="session")
def sound_inputs(tmp_path_factory):
    """The folder of sound inputs for every stage (hostile_world), made once for all who break something of it."""
    from tests.unit.hostile_world import make_world
    return make_world(tmp_path_factory.mktemp("sound"))
