"""What can be checked before a process is started, apart from the rank table (rank_table.py)."""

import socket
from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import read_json
from dump2bert.launching.hyper_parameters import FILES, OURS, read_hyper_parameters, typed
from dump2bert.progress import say


def flags_of_trainer(ini, options):
    """{flag of pretrain: value} of an ini file (or None), overridden by `options` (a dict or None)."""
    for name in (*OURS, "distribute"):
        if name in (options or {}):
            raise BadInput(f"--options sets {name}, which the launcher decides itself: take it out")
    return {**(typed(read_hyper_parameters(ini)) if ini else {}), **(options or {})}


def with_network(flags, network_of, must_be_there):
    """The flags with a network: BERT-base where they name none, as in the zoo. BadInput where the trainer would not take it,
    or files are missing that must be there (else a script may be written where they are not).

    network_of: command_options.network_of."""
    for name in FILES:
        if must_be_there and flags.get(name) and not Path(flags[name]).exists():
            raise BadInput(f"hyper parameters: {name} {flags[name]} does not exist")
    given = flags.get("network")
    if given is None:
        given = {"bert_network": "base"}
        say("no network is given (--options '{\"network\": {...}}'): it is BERT-base")
    network = given
    if isinstance(given, str):
        if not must_be_there and not Path(given).exists():
            return flags
        network = read_json(given)
    if not network_of(network, "hyper parameters: network: ").vocab_size and not flags.get("vocab_file"):
        missing = "nothing says how many words there are: give vocab_file, or the network's vocab_size"
        if must_be_there:
            raise BadInput(f"hyper parameters: {missing}")
        say(f"{missing}, or the ranks will not start")
    return {**flags, "network": given}


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


def check_hosts(hosts, device_num, local_device_num):
    """BadInput where mpirun's hosts ("HOST:DEVICES,...") have not device_num devices together."""
    if not hosts:
        if local_device_num not in (None, device_num):
            raise BadInput(f"--device_num {device_num} --local_device_num {local_device_num} is for several servers, which "
                           "mpirun starts by itself: name them in --hosts HOST:DEVICES,HOST:DEVICES")
        return
    slots = [host.rpartition(":")[2] for host in hosts.split(",")]
    if not all(":" in host for host in hosts.split(",")) or not all(slot.isdigit() for slot in slots):
        raise BadInput(f"--hosts {hosts} is not of the form HOST:DEVICES,HOST:DEVICES")
    if sum(map(int, slots)) != device_num:
        raise BadInput(f"--hosts {hosts} has {sum(map(int, slots))} devices, but --device_num is {device_num}")


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
