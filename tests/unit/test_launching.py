"""Rank tables, the launcher's commands and checks. No device and no MindSpore is needed for any of it."""

import json
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from dump2bert import cli
from dump2bert.errors import BadInput, Interrupted
from dump2bert.launching import commands, msrun, rank_table, supervision
from dump2bert.launching.checks import check_port
from dump2bert.launching.commands import Rank


def table_of(servers, devices):
    return {"version": "1.0", "server_count": str(servers), "status": "completed", "server_list": [
        {"server_id": f"10.0.0.{server + 1}", "host_nic_ip": "reserve", "device": [
            {"device_id": str(device), "device_ip": f"192.168.{server}.{device + 1}",
             "rank_id": str(server * devices + device)} for device in range(devices)]}
        for server in range(servers)]}


def write_table(folder, table):
    path = folder / "hccl.json"
    path.write_text(json.dumps(table))
    return path


@pytest.mark.parametrize("servers, devices", [(1, 1), (1, 8), (2, 8), (8, 8), (4, 16)])
def test_rank_tables_of_1_8_16_and_64_devices(tmp_path, servers, devices):
    found = rank_table.read_rank_table(write_table(tmp_path, table_of(servers, devices)))
    assert [device.rank_id for server in found for device in server.devices] == list(range(servers * devices))
    last = rank_table.this_server(found, device_addresses=[f"192.168.{servers - 1}.1", "1.2.3.4"])
    assert last.server_id == f"10.0.0.{servers}" and len(last.devices) == devices
    assert rank_table.this_server(found, addresses=["10.0.0.1"]) == found[0]
    assert rank_table.this_server(found, "10.0.0.1", [f"192.168.{servers - 1}.1"]) == found[0]


def broken(change):
    table = table_of(2, 8)
    change(table)
    return table


def device(table, server=1, number=3):
    return table["server_list"][server]["device"][number]


@pytest.mark.parametrize("change, said", [
    (lambda table: table.pop("server_list"), "it has no server_list"),
    (lambda table: table.update(status="initializing"), "status is 'initializing', not completed"),
    (lambda table: table.update(server_count="3"), "server_count is 3, but 2 servers are listed"),
    (lambda table: device(table).pop("rank_id"), "server 2 lacks or garbles 'rank_id'"),
    (lambda table: device(table).update(rank_id="x"), "server 2 lacks or garbles invalid literal"),
    (lambda table: device(table).update(rank_id=1.7), "server 2 lacks or garbles 1.7, which should be a whole number"),
    (lambda table: device(table).update(device_id=True), "server 2 lacks or garbles True"),
    (lambda table: device(table).update(rank_id="5"), "the rank_id 5 is there 2 times"),
    (lambda table: device(table).update(rank_id="99"), "rank_id 11 is missing among 16 devices"),
    (lambda table: device(table).update(device_ip="192.168.0.1"), "the device_ip 192.168.0.1 is there 2 times"),
    (lambda table: device(table).update(device_ip="here"), "the device_ip 'here' is no address"),
    (lambda table: device(table).update(device_id="4"), "server 10.0.0.2 has a device_id twice"),
    (lambda table: device(table).update(device_id="77"), "server 10.0.0.2 has the device_id 77"),
    (lambda table: table["server_list"][1].update(server_id="10.0.0.1"), "the server_id 10.0.0.1 is there 2 times"),
    (lambda table: table["server_list"][1]["device"].pop(), "server 10.0.0.2 has 7 devices"),
    (lambda table: table["server_list"][1].update(device=table["server_list"][1]["device"][:4]),
     "servers have 4 and 8 devices; all must have the same number"),
])
def test_broken_rank_tables_are_one_sentence(tmp_path, change, said):
    with pytest.raises(BadInput, match="no whole rank table.*make it again") as error:
        rank_table.read_rank_table(write_table(tmp_path, broken(change)))
    assert said in str(error.value)


def test_a_server_that_is_not_in_the_table_is_a_sentence(tmp_path):
    servers = rank_table.read_rank_table(write_table(tmp_path, table_of(2, 8)))
    with pytest.raises(BadInput, match="no server that this machine could be .it has 10.0.0.1, 10.0.0.2.: give --server_id"):
        rank_table.this_server(servers, device_addresses=["1.1.1.1"], addresses=["10.0.0.9"])


def test_device_addresses_are_read_from_hccn_conf(tmp_path):
    (tmp_path / "hccn.conf").write_text("address_0=192.168.0.1\nnetmask_0=255.255.0.0\naddress_1 = 192.168.0.2\n")
    assert rank_table.device_addresses(tmp_path / "hccn.conf") == ["192.168.0.1", "192.168.0.2"]
    assert rank_table.device_addresses(tmp_path / "nothing") == []


def test_each_rank_has_the_zoos_environment_cores_of_its_own_and_a_log(tmp_path):
    path = write_table(tmp_path, table_of(2, 8))
    server = rank_table.read_rank_table(path)[1]
    ranks = commands.ranks_of_table(server, 16, path, {"epoch_size": 40}, tmp_path, 600, list(range(100, 196)))
    assert len(ranks) == 8
    for number, rank in enumerate(ranks):
        assert rank.environment == {
            "HCCL_CONNECT_TIMEOUT": "600", "RANK_TABLE_FILE": str(path), "RANK_SIZE": "16", "RANK_ID": str(8 + number),
            "DEVICE_ID": str(number), "DEPLOY_MODE": "0", "GE_USE_STATIC_MEMORY": "1"}
        cores = range(100 + 12 * number, 112 + 12 * number)
        assert rank.words[:3] == ["taskset", "-c", ",".join(map(str, cores))]
        assert shlex.join(rank.words[-9:]) == (f"pretrain --distribute true --device_num 16 --device_id {number} "
                                               "--epoch_size 40")
        assert rank.log == tmp_path / f"LOG{number}" / "pretraining_log.txt"


def test_binding_can_be_turned_off_and_is_where_there_are_fewer_cores_than_ranks():
    server = rank_table.Server("s", tuple(rank_table.Device(n, f"10.0.0.{n}", n) for n in range(4)))
    for cores in ([], [0, 1]):
        for rank in commands.ranks_of_table(server, 4, "t", {}, ".", 120, cores):
            assert rank.words[0] == sys.executable


def test_ranks_find_each_other_through_a_scheduler_on_the_first_server():
    place = (16, "10.0.0.1", 8118, {"batch_size": 4}, Path("logs"), 120)
    first, second = (commands.ranks_of_scheduler(start, 8, *place, []) for start in (0, 8))
    assert [rank.name for rank in first] == ["the scheduler", *(f"rank {n}" for n in range(8))]
    assert [rank.name for rank in second] == [f"rank {n}" for n in range(8, 16)]
    assert first[0].environment["MS_ROLE"] == "MS_SCHED"
    environment = second[3].environment
    assert {name: environment[name] for name in ("MS_ROLE", "MS_WORKER_NUM", "MS_SCHED_HOST", "MS_SCHED_PORT", "MS_NODE_ID",
                                                 "DEVICE_ID")} == {
        "MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "16", "MS_SCHED_HOST": "10.0.0.1", "MS_SCHED_PORT": "8118",
        "MS_NODE_ID": "11", "DEVICE_ID": "3"}
    assert second[3].words[-2:] == ["--device_id", "3"]


def test_msrun_and_mpirun_commands():
    rank = commands.msrun(1, 8, 16, "10.0.0.1", 8118, {"optimizer": "Lamb", "Lamb": {"eps": 1.0}}, "logs", 120, True)
    assert rank.words[:3] == [sys.executable, "-m", "dump2bert.launching.msrun"]
    assert shlex.join(rank.words[3:]) == (
        "logs msrun --worker_num=16 --local_worker_num=8 --master_addr=10.0.0.1 --master_port=8118 --node_rank=1 "
        "--cluster_time_out=120 --bind_core=True --join=True python -m dump2bert.cli pretrain --distribute true "
        "--device_num 16 --optimizer Lamb --Lamb '{\"eps\": 1.0}' --stop_with_parent true")
    rank = commands.mpirun(16, {"device_target": "GPU"}, "logs", "a:8,b:8")
    assert shlex.join(rank.words[:9]) == ("mpirun -n 16 --host a:8,b:8 --output-filename logs --merge-stderr-to-stdout "
                                          + sys.executable)
    assert shlex.join(rank.words[-6:]) == "--distribute true --device_num 16 --device_target GPU"


def launch(folder, *words):
    return cli.main(["launch", "--cmd_file", str(folder / "cmd.sh"), *map(str, words)])


def test_the_command_writes_a_script_of_the_ini(tmp_path):
    table = write_table(tmp_path, table_of(1, 8))
    (tmp_path / "hyper_parameter_config.ini").write_text(
        "[config]\ndistribute=true\nepoch_size=40\nenable_save_ckpt=true\nallreduce_post_accumulation=true\n"
        "data_sink_steps=100\nsave_checkpoint_path=2024_01\nAdamWeightDecay={\"learning_rate\": 1e-4}\n")
    assert launch(tmp_path, "--hccl_config_dir", table, "--hyper_parameter_config_dir", tmp_path, "--data_dir", "data",
                  "--hccl_time_out", 600, "--server_id", "10.0.0.1", "--options", '{"epoch_size": 2}') == 0
    script = (tmp_path / "cmd.sh").read_text()
    assert script.count("--epoch_size 2 ") == script.count(">> LOG") == 8 and "HCCL_CONNECT_TIMEOUT=600" in script
    assert "--save_checkpoint_path 2024_01" in script and """--AdamWeightDecay '{"learning_rate": 0.0001}'""" in script
    assert """--network '{"bert_network": "base"}'""" in script     # the zoo's, where nothing is said
    assert "--data_sink_steps 100" in script and "allreduce" not in script and "rm " not in script
    subprocess.run(["bash", "-n", tmp_path / "cmd.sh"], check=True)


@pytest.mark.parametrize("ini, words, said", [
    ("[config]\ndevice_id=3\n", [], "sets device_id, which the launcher decides itself"),
    ("[config]\ndata_dir=x\n", [], "sets data_dir"),
    ("[config]\ndistribute=false\n", [], "launching is for several devices"),
    ("[other]\n", [], "has no section [config]"),
    ("epoch_size=1\n", [], "is no ini file"),
    ("[config]\nepoch_sise=1\n", [], "hyper parameters: epoch_sise is no known key (did you mean epoch_size?)"),
    ("[config]\nepoch_size=0\n", [], "hyper parameters: epoch_size"),
    ("[config]\nadamweightdecay={}\n", [], "adamweightdecay is no known key (did you mean AdamWeightDecay?)"),
    ("[config]\nAdamWeightDecay={1}\n", [], "hyper parameters: AdamWeightDecay is no JSON"),
    ("[config]\nvocab_file=/no/such\n", [], "hyper parameters: vocab_file /no/such does not exist"),
    ("[config]\n", ["--options", '{"network": {"hidden_sise": 3}}'], "network: hidden_sise is no known key"),
    ("[config]\n", ["--options", '{"network": "/no/such.json"}'], "/no/such.json cannot be read"),
    ("[config]\n", ["--options", '{"network": {}}'], "nothing says how many words there are: give vocab_file"),
    ("[config]\n", ["--hccl_time_out", "5"], "hccl_time_out"),
    ("[config]\n", ["--server_id", "1.2.3.4"], "no server that this machine could be"),
    ("[config]\n", ["--device_num", "4"], "--device_num 4, but the rank table has 8 devices"),
    ("[config]\n", ["--device_target", "GPU"], "--start rank_table is for --device_target Ascend"),
    ("[config]\n", ["--options", '{"device_num": 3}'], "--options sets device_num"),
    ("[config]\n", ["--start", "msrun"], "--device_num is missing"),
    ("[config]\n", ["--start", "ranks", "--device_num", "6", "--local_device_num", "4"], "do not go together"),
    ("[config]\n", ["--start", "mpirun", "--device_num", "6", "--hosts", "a:4,b:4"], "has 8 devices, but --device_num is 6"),
    ("[config]\n", ["--start", "mpirun", "--device_num", "4", "--hosts", "a,b:4"], "is not of the form HOST:DEVICES"),
    ("[config]\n", ["--start", "mpirun", "--device_num", "4", "--local_device_num", "2"], "name them in --hosts"),
])
def test_what_is_wrong_is_said_before_anything_starts(tmp_path, capsys, ini, words, said):
    ini = ini.replace("[config]\n", '[config]\nnetwork={"vocab_size": 100}\n')
    (tmp_path / "hyper.ini").write_text(ini)
    given = ["--hccl_config_dir", write_table(tmp_path, table_of(1, 8)), "--hyper_parameter_config_dir",
             tmp_path / "hyper.ini", "--run", "true", *words]
    assert launch(tmp_path, *given) == 1
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert not (tmp_path / "cmd.sh").exists()


def test_data_that_does_not_fill_a_step_is_refused(tmp_path, capsys):
    (tmp_path / "schema.json").write_text('{"numRows": 100}')
    assert launch(tmp_path, "--start", "msrun", "--device_num", 8, "--data_dir", tmp_path) == 1
    assert "says 100 records, fewer than one step of 8 devices with 16 on each" in capsys.readouterr().err
    table = write_table(tmp_path, table_of(1, 8))
    assert launch(tmp_path, "--hccl_config_dir", table, "--server_id", "10.0.0.1", "--data_dir", tmp_path) == 1
    assert "says 100 records, fewer than one step of 8 devices with 16 on each" in capsys.readouterr().err
    assert not (tmp_path / "cmd.sh").exists()
    assert launch(tmp_path, "--hccl_config_dir", table, "--server_id", "10.0.0.1", "--data_dir", tmp_path, "--options",
                  '{"batch_size": 6, "accumulation_steps": 2}') == 0


def test_data_may_be_elsewhere_only_for_a_script(tmp_path, capsys):
    words = ["--start", "msrun", "--device_num", 2, "--data_dir", tmp_path / "none", "--options",
             '{"network": {"vocab_size": 100}}']
    assert launch(tmp_path, *words) == 0
    assert launch(tmp_path, *words, "--run", "true") == 1
    assert "none cannot be read" in capsys.readouterr().err


def test_ranks_that_are_watched_end_with_the_launcher(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(supervision, "run", lambda ranks, *_: started.extend(ranks))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert launch(tmp_path, "--start", "ranks", "--device_num", 2, "--master_port", port, "--run", "true", "--options",
                  '{"network": {"vocab_size": 100}}') == 0
    assert len(started) == 3 and all("--stop_with_parent true" in " ".join(rank.words) for rank in started)


def test_a_port_that_is_taken_is_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BadInput, match="another run may have it, give another port"):
            check_port("127.0.0.1", taken.getsockname()[1])


def rank(folder, name, code):
    return Rank(name, [sys.executable, "-c", code], {"WHO": name}, folder / name / "log.txt")


def test_when_a_rank_dies_all_end_with_a_sentence(tmp_path):
    ranks = [rank(tmp_path, "rank0", "import time; time.sleep(60)"),
             rank(tmp_path, "rank1", "import os, sys; print('error: ' + os.environ['WHO'] + ' is ill'); sys.exit(3)")]
    started = time.monotonic()
    with pytest.raises(BadInput, match="rank1 has ended with exit code 3, so all ranks were ended; .*error: rank1 is ill"):
        supervision.run(ranks, tmp_path)
    assert time.monotonic() - started < 30
    with pytest.raises(BadInput, match="has ended with SIGKILL.*it said nothing"):
        supervision.run([rank(tmp_path, "rank2", "import os; os.kill(os.getpid(), 9)")], tmp_path)
    assert "is ill" in (tmp_path / "rank1" / "log.txt").read_text()


def test_logs_are_added_to(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log.txt").write_text("dear\n")
    supervision.run([rank(tmp_path, "a", "print('new')")], tmp_path)
    assert (tmp_path / "a" / "log.txt").read_text() == "dear\nnew\n"


def test_what_the_first_rank_says_is_said(tmp_path, caplog):
    says = "print('pretrain: step 1', flush=True); print('[WARNING] of a library', flush=True); print('pretrain: step 2')"
    (tmp_path / "rank 0").mkdir()
    (tmp_path / "rank 0" / "log.txt").write_text("pretrain: of an earlier run\n")
    with caplog.at_level("INFO", logger="dump2bert"):
        supervision.run([rank(tmp_path, "the scheduler", "print('pretrain: x')"), rank(tmp_path, "rank 0", says),
                         rank(tmp_path, "rank 1", says)], tmp_path)
    assert caplog.messages[1:] == ["step 1", "step 2"]


@pytest.mark.parametrize("code, status, said", [
    ("import sys; sys.exit(3)", 3, "a rank has ended with 3, so all are ended"),
    ("import os, signal; os.kill(os.getppid(), signal.SIGTERM)", 75, "interrupted"),
])
def test_the_script_lets_no_rank_live_alone(tmp_path, code, status, said):
    saves = ("import pathlib, signal, sys, time; here = pathlib.Path(sys.argv[0])\n"
             "signal.signal(15, lambda *_: (pathlib.Path('saved').touch(), sys.exit(75)))\n"
             "pathlib.Path('ready').touch(); time.sleep(60)")
    waits = "import pathlib, time\nwhile not pathlib.Path('ready').exists(): time.sleep(0.05)\n"
    ranks = [rank(tmp_path, "rank 0", saves), rank(tmp_path, "rank 1", waits + code)]
    (tmp_path / "run.sh").write_text(commands.script_of(ranks, tmp_path))
    started = time.monotonic()
    done = subprocess.run(["bash", "run.sh"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == status and said in done.stderr and time.monotonic() - started < 30
    assert (tmp_path / "saved").exists() == (status == 75)


def test_a_signal_is_handed_on_and_saved_state_is_an_interruption(tmp_path):
    waits = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(75)); print(1, flush=True); time.sleep(60)"
    ranks = [rank(tmp_path, name, waits) for name in ("a", "b")]

    def terminate():
        while not all(one.log.exists() and one.log.read_text() for one in ranks):
            time.sleep(0.05)
        signal.raise_signal(signal.SIGTERM)

    thread = threading.Thread(target=terminate)
    thread.start()
    with pytest.raises(Interrupted, match="all ranks have saved their state"):
        supervision.run(ranks, tmp_path)
    thread.join()


# Starts two ranks in sessions of their own and a scheduler; a rank that finds itself alone takes a second to save.
MSRUN = """#!{python}
import os, pathlib, signal, subprocess, sys, time

RANK = '''
import os, pathlib, sys, time
parent, log = os.getppid(), pathlib.Path(sys.argv[1])
log.write_text("trains")
while os.getppid() == parent:
    time.sleep(0.05)
time.sleep(1)
log.write_text("saved")
'''
folder = pathlib.Path(sys.argv[1].removeprefix("--log_dir="))
for number in range(2):
    subprocess.Popen([sys.executable, "-c", RANK, folder / f"worker_{{number}}.log"], start_new_session=True)
scheduler = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
(folder / "scheduler").write_text(str(scheduler.pid))
time.sleep({seconds})
os.kill(os.getpid(), signal.SIGTERM)
"""


def is_alive(number):
    return psutil.pid_exists(number) and msrun.is_alive(psutil.Process(number))


@pytest.mark.parametrize("told", [True, False], ids=["told to stop", "ended by others"])
def test_the_ranks_of_msrun_are_waited_for_when_it_ends_and_nothing_is_left_behind(tmp_path, monkeypatch, told):
    (tmp_path / "msrun").write_text(MSRUN.format(python=sys.executable, seconds=100 if told else 2))
    (tmp_path / "msrun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    logs = [tmp_path / "logs" / "msrun-1" / f"worker_{number}.log" for number in range(2)]

    def terminate():
        while not all(log.exists() and log.read_text() for log in logs):
            time.sleep(0.05)
        if told:
            signal.raise_signal(signal.SIGTERM)

    thread = threading.Thread(target=terminate)
    thread.start()
    with pytest.raises(Interrupted, match="all ranks have saved their state"):
        supervision.run([commands.msrun(0, 2, 2, "127.0.0.1", 8118, {}, tmp_path / "logs", 120, False)], tmp_path)
    thread.join()
    assert [log.read_text() for log in logs] == ["saved", "saved"]
    assert not is_alive(int((logs[0].parent / "scheduler").read_text()))


def test_each_start_of_msrun_has_a_folder_for_logs_of_its_own(tmp_path):
    """It overwrites what it finds."""
    assert [msrun.new_folder(tmp_path / "logs").name for _ in range(3)] == ["msrun-1", "msrun-2", "msrun-3"]
    assert len(list((tmp_path / "logs").iterdir())) == 3
