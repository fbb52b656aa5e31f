"""Rank tables (hccl.json): which Ascend devices of which servers train together, and which of those is this server.

The form is that of HCCL's rank table 1.0: server_list[].{server_id, device[].{device_id, device_ip, rank_id}}. All that
can be wrong in it is said here, before a device is touched; HCCL itself would wait for its timeout and say little.
"""

import ipaddress
import socket
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psutil

from dump2bert.errors import BadInput
from dump2bert.files import read_json

DEVICES_OF_A_SERVER = (1, 2, 4, 8, 16)   # what HCCL connects within a server


class Device(NamedTuple):
    device_id: int
    device_ip: str
    rank_id: int


class Server(NamedTuple):
    server_id: str
    devices: tuple


def read_rank_table(path):
    """The Servers of a rank table, each with its devices by rank. BadInput where it is not whole."""
    path = Path(path)
    path = path / "hccl.json" if path.is_dir() else path
    table = read_json(path)

    def wrong(what):
        return BadInput(f"{path} is no whole rank table: {what}; make it again (docs/ascend.md)")

    if not isinstance(table, dict) or not isinstance(table.get("server_list"), list) or not table["server_list"]:
        raise wrong("it has no server_list")
    if table.get("status", "completed") != "completed":
        raise wrong(f"its status is {table['status']!r}, not completed")
    servers = []
    for number, entry in enumerate(table["server_list"], 1):
        try:
            devices = [Device(whole(device["device_id"]), str(device["device_ip"]), whole(device["rank_id"]))
                       for device in entry["device"]]
            servers.append(Server(str(entry["server_id"]), tuple(sorted(devices, key=lambda device: device.rank_id))))
        except (KeyError, TypeError, ValueError) as error:
            raise wrong(f"server {number} lacks or garbles {error}") from error
    if str(table.get("server_count", len(servers))) != str(len(servers)):
        raise wrong(f"server_count is {table['server_count']}, but {len(servers)} servers are listed")
    check(servers, wrong)
    return servers


def whole(number):
    """A number that the table gives as one or, as hccl_tools writes it, as text. ValueError for what int() would round."""
    if isinstance(number, bool) or not isinstance(number, int | str):
        raise ValueError(f"{number!r}, which should be a whole number")
    return int(number)


def check(servers, wrong):
    devices = [device for server in servers for device in server.devices]
    for what, values in (("server_id", [server.server_id for server in servers]),
                         ("rank_id", [device.rank_id for device in devices]),
                         ("device_ip", [device.device_ip for device in devices])):
        value, count = Counter(values).most_common(1)[0] if values else (None, 1)
        if count > 1:
            raise wrong(f"the {what} {value} is there {count} times")
    for server in servers:
        ids = [device.device_id for device in server.devices]
        if len(ids) not in DEVICES_OF_A_SERVER:
            raise wrong(f"server {server.server_id} has {len(ids)} devices, where 1, 2, 4, 8 or 16 are possible")
        if len(set(ids)) < len(ids):
            raise wrong(f"server {server.server_id} has a device_id twice")
        if min(ids) < 0 or max(ids) >= max(DEVICES_OF_A_SERVER):
            raise wrong(f"server {server.server_id} has the device_id {max(ids) if min(ids) >= 0 else min(ids)}")
        for device in server.devices:
            try:
                ipaddress.ip_address(device.device_ip)
            except ValueError:
                raise wrong(f"the device_ip {device.device_ip!r} is no address") from None
    sizes = {len(server.devices) for server in servers}
    if len(sizes) > 1:
        raise wrong(f"servers have {' and '.join(map(str, sorted(sizes)))} devices; all must have the same number")
    ranks = sorted(device.rank_id for device in devices)
    if ranks != list(range(len(devices))):
        missing = min(set(range(len(devices))) - set(ranks))
        raise wrong(f"rank_id {missing} is missing among {len(devices)} devices")


def this_server(servers, server_id=None, device_addresses=(), addresses=()):
    """The Server that this machine is: `server_id` if given, else that with one of our devices' addresses, else that
    whose server_id is an address of ours."""
    if server_id:
        found = [server for server in servers if server.server_id == server_id]
    else:
        found = [server for server in servers
                 if {device.device_ip for device in server.devices} & set(device_addresses)] \
            or [server for server in servers if server.server_id in addresses]
    if len(found) != 1:
        named = ", ".join(server.server_id for server in servers)
        raise BadInput(f"the rank table has {'several servers' if found else 'no server'} that this machine could be "
                       f"(it has {named}): give --server_id")
    return found[0]


def device_addresses(hccn_conf):
    """The addresses of this machine's devices, as hccn_tool has noted them (address_0=192.98.92.100 ...)."""
    path = Path(hccn_conf)
    if not path.is_file():
        return []
    lines = (line.partition("=") for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return [value.strip() for name, _, value in lines if name.strip().startswith("address_")]


def own_addresses():
    """The addresses of this machine's network interfaces."""
    return [entry.address for entries in psutil.net_if_addrs().values() for entry in entries
            if entry.family in (socket.AF_INET, socket.AF_INET6)]
