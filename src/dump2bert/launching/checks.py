"""What can be checked before a process is started, apart from the rank table (rank_table.py)."""

import socket
from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import read_json
from dump2bert.launching.hyper_parameters import OURS, read_hyper_parameters, typed


def flags_of_trainer(ini, options):
    """{flag of pretrain: value} of an ini file (or None), overridden by `options` (a dict or None)."""
    for name in (*OURS, "distribute"):
        if name in (options or {}):
            raise BadInput(f"--options sets {name}, which the launcher decides itself: take it out")
    return {**(typed(read_hyper_parameters(ini)) if ini else {}), **(options or {})}


def check_port(address, port):
    """BadInput where the scheduler's port is taken."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        raise BadInput(f"--master_addr {address} --master_port {port} cannot be used here ({error.strerror}): "
                       "another run may have it, give another port; and the address must be one of this machine, which "
                       "has the scheduler") from error


def check_data(data_dir, schema_dir, world_size, rows, must_be_there):
    """BadInput where the data does not fill one step. rows: of a step on one device; must_be_there: else a script
    may be written where the data is not."""
    place = Path(schema_dir or data_dir)
    schema = place / "schema.json" if place.is_dir() else place
    if not must_be_there and not schema.exists():
        return
    records = read_json(schema).get("numRows")
    if records is not None and records < world_size * rows:
        raise BadInput(f"{schema} says {records} records, fewer than one step of {world_size} devices with {rows} on "
                       "each: give a smaller batch_size or accumulation_steps, or fewer devices")
