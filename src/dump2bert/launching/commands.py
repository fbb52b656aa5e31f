"""The commands of the ranks: words, environment, cores and log of each, and the same as a shell script.

Ways to start: `rank_table` (Ascend: HCCL reads who is who from hccl.json), `ranks` (MindSpore's own scheduler process
says it: CPU, GPU, and Ascend without a rank table), `msrun` and `mpirun` (a launcher of others' that starts the ranks).
"""

import json
import shlex
import socket
import sys
from pathlib import Path
from typing import NamedTuple

SECONDS_TO_MEET = 120
SECONDS_TO_SAVE = 120      # for ranks that were told to stop
INTERRUPTED = 75           # exit code of a rank that has saved its state
SCHEDULER = "the scheduler"
TRAINER = [sys.executable, "-m", "dump2bert.cli", "pretrain"]


class Rank(NamedTuple):
    """One process. name: for people; environment: what is set beside the caller's; log: Path that its output is added
    to."""

    name: str
    words: list
    environment: dict
    log: Path


def flags_of(values):
    """{flag: plain value} -> words. (Dicts are JSON; None is left out.)"""
    words = []
    for name, value in values.items():
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, dict):
            value = json.dumps(value)
        if value is not None:
            words += [f"--{name}", str(value)]
    return words


def cores_of(number, ranks, cores):
    """The words that bind process `number` of `ranks` on this machine to its share of `cores`; none where there are
    fewer cores than processes."""
    share = len(cores) // ranks
    if not share:
        return []
    return ["taskset", "-c", ",".join(map(str, cores[number * share:(number + 1) * share]))]


def ranks_of_table(server, world_size, table, flags, log_dir, timeout, cores):
    """The Ranks that this `server` (rank_table.Server) starts. cores: to bind to, or none."""
    ranks = []
    for number, device in enumerate(server.devices):
        environment = {"HCCL_CONNECT_TIMEOUT": timeout, "RANK_TABLE_FILE": Path(table).resolve(),
                       "RANK_SIZE": world_size, "RANK_ID": device.rank_id, "DEVICE_ID": device.device_id,
                       "DEPLOY_MODE": 0, "GE_USE_STATIC_MEMORY": 1}
        words = [*cores_of(number, len(server.devices), cores), *TRAINER, *flags_of({
            "distribute": True, "device_num": world_size, "device_id": device.device_id, **flags})]
        ranks.append(Rank(f"rank {device.rank_id}", words, as_text(environment),
                          Path(log_dir) / f"LOG{device.device_id}" / "pretraining_log.txt"))
    return ranks


def ranks_of_scheduler(first_rank, count, world_size, address, port, flags, log_dir, timeout, cores):
    """The scheduler (on the server of rank 0) and `count` Ranks from `first_rank` on, which find each other through
    it."""
    meeting = {"MS_WORKER_NUM": world_size, "MS_SCHED_HOST": address, "MS_SCHED_PORT": port,
               "MS_TOPO_TIMEOUT": timeout, "HCCL_CONNECT_TIMEOUT": timeout}
    common = [*TRAINER, *flags_of({"distribute": True, "device_num": world_size, **flags})]
    ranks = []
    if first_rank == 0:
        ranks.append(Rank(SCHEDULER, common, as_text({**meeting, "MS_ROLE": "MS_SCHED"}),
                          Path(log_dir) / "scheduler" / "pretraining_log.txt"))
    for number in range(count):
        rank = first_rank + number
        environment = {**meeting, "MS_ROLE": "MS_WORKER", "MS_NODE_ID": rank, "RANK_ID": rank, "RANK_SIZE": world_size,
                       "DEVICE_ID": number}
        ranks.append(Rank(f"rank {rank}", [*cores_of(number, count, cores), *common, "--device_id", str(number)],
                          as_text(environment), Path(log_dir) / f"LOG{rank}" / "pretraining_log.txt"))
    return ranks


def msrun(node_rank, count, world_size, address, port, flags, log_dir, timeout, bind):
    """msrun's command, as one Rank: it starts scheduler and ranks itself and writes their logs to a folder below
    log_dir (see launching/msrun.py). The ranks stop when it is gone, for it does not hand on that it is to stop."""
    words = [sys.executable, "-m", "dump2bert.launching.msrun", str(log_dir), "msrun", f"--worker_num={world_size}",
             f"--local_worker_num={count}", f"--master_addr={address}", f"--master_port={port}",
             f"--node_rank={node_rank}", f"--cluster_time_out={timeout}", f"--bind_core={bind}", "--join=True",
             "python", *TRAINER[1:],
             *flags_of({"distribute": True, "device_num": world_size, **flags, "stop_with_parent": True})]
    return Rank("msrun", words, as_text({"HCCL_CONNECT_TIMEOUT": timeout}), Path(log_dir) / "msrun.txt")


def mpirun(world_size, flags, log_dir, hosts=None):
    """mpirun's command, as one Rank (the seed's way on GPUs). hosts: "HOST:DEVICES,..." where there are several."""
    words = ["mpirun", "-n", str(world_size), *(["--host", hosts] if hosts else []), "--output-filename", str(log_dir),
             "--merge-stderr-to-stdout", *TRAINER, *flags_of({"distribute": True, "device_num": world_size, **flags})]
    return Rank("mpirun", words, {}, Path(log_dir) / "mpirun.txt")


def ranks_here(device_num, flags, log_dir):
    """The Ranks of a run on this machine alone, with a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return ranks_of_scheduler(0, device_num, device_num, "127.0.0.1", port, flags, log_dir, SECONDS_TO_MEET, [])


def as_text(environment):
    return {name: str(value) for name, value in environment.items()}


def script_of(ranks, log_dir):
    """The commands as a shell script. It adds to logs that are there, ends all ranks when one fails, and says which; told
    to stop, it lets them save their state."""
    lines = ["#!/bin/bash", "# Starts the ranks of one training run on this server; written by `dump2bert launch`.",
             "ranks=", "stop() {", "    kill $ranks 2> /dev/null", f"    for _ in $(seq {SECONDS_TO_SAVE}); do",
             "        kill -0 $ranks 2> /dev/null || break", "        sleep 1", "    done",
             "    kill -9 $(jobs -p) 2> /dev/null", "    echo 'interrupted: the same command goes on' >&2", "    exit 75", "}",
             "trap stop TERM INT", ""]
    for rank in ranks:
        lines += [f"mkdir -p {shlex.quote(str(rank.log.parent))}",
                  " ".join(["env", *(shlex.quote(f"{name}={value}") for name, value in rank.environment.items()),
                            shlex.join(rank.words), ">>", shlex.quote(str(rank.log)), "2>&1 &"]),
                  *([] if rank.name == SCHEDULER else ['ranks="$ranks $!"']), ""]
    lines += [f"for _ in $(seq {len(ranks)}); do", "    wait -n && continue", "    status=$?",
              f"    echo \"error: a rank has ended with $status, so all are ended; see the logs in {log_dir}\" >&2",
              "    kill -9 $(jobs -p) 2> /dev/null", "    exit $status", "done", ""]
    return "\n".join(lines)
