"""Command `launch`: the processes of a training run on several devices, as a script or started and watched."""

import os
from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write
from dump2bert.progress import say


def run(*, hccl_config_dir, cmd_file, data_dir, device_target, start, device_num, local_device_num, node_rank,
        server_id, hccn_conf, master_addr, master_port, hosts, hccl_time_out, bind_cores, log_dir, run,
        hyper_parameter_config_dir, run_script_dir, options):
    """Options: command_options.Launch. run_script_dir is for command lines of the zoo alone."""
    from dump2bert.command_options import network_of, rows_of_a_step
    from dump2bert.launching import commands, rank_table, supervision
    from dump2bert.launching.checks import check_data, check_hosts, check_port, flags_of_trainer, with_network

    cmd_file = cmd_file or Path("distributed_cmd.sh")
    start = start or ("rank_table" if hccl_config_dir else "ranks")
    given = with_network(flags_of_trainer(hyper_parameter_config_dir, options), network_of, must_be_there=run)
    flags = {"device_target": device_target, "data_dir": data_dir, "state_dir": "state", **given}
    if run:
        flags["stop_with_parent"] = True    # kill -9 of this process ends the ranks, too
    cores = sorted(os.sched_getaffinity(0)) if bind_cores else []
    if start == "rank_table":
        if device_target != "Ascend" or not hccl_config_dir:
            raise BadInput("--start rank_table is for --device_target Ascend and needs --hccl_config_dir (hccl.json)")
        servers = rank_table.read_rank_table(hccl_config_dir)
        world_size = sum(len(server.devices) for server in servers)
        if device_num not in (None, world_size):
            raise BadInput(f"--device_num {device_num}, but the rank table has {world_size} devices: leave it out")
        server = rank_table.this_server(servers, server_id, rank_table.device_addresses(hccn_conf),
                                        rank_table.own_addresses())
        table = hccl_config_dir / "hccl.json" if hccl_config_dir.is_dir() else hccl_config_dir
        ranks = commands.ranks_of_table(server, world_size, table, flags, log_dir, hccl_time_out, cores)
    else:
        if device_num is None:
            raise BadInput(f"--device_num is missing: with --start {start} nothing else says how many devices there "
                           "are")
        count = local_device_num or device_num
        if device_num % count or node_rank >= device_num // count:
            raise BadInput(f"--device_num {device_num} --local_device_num {count} --node_rank {node_rank} do not go "
                           "together: every server has the same number of devices, and servers are counted from 0")
        world_size = device_num
        place = (device_num, master_addr, master_port, flags, log_dir, hccl_time_out)
        if start == "ranks":
            ranks = commands.ranks_of_scheduler(node_rank * count, count, *place, cores)
        elif start == "msrun":
            ranks = [commands.msrun(node_rank, count, *place, bind_cores)]
        else:
            check_hosts(hosts, device_num, local_device_num)
            ranks = [commands.mpirun(device_num, flags, log_dir, hosts)]
        if run and start != "mpirun" and node_rank == 0:
            check_port(master_addr, master_port)
    if data_dir:
        check_data(data_dir, given.get("schema_dir"), world_size, rows_of_a_step(given), must_be_there=run)
    with atomic_write(cmd_file) as file:
        file.write(commands.script_of(ranks, log_dir))
    cmd_file.chmod(0o755)
    say(f"{cmd_file}: {', '.join(rank.name for rank in ranks)}")
    if run:
        supervision.run(ranks, log_dir)
