# SPDX-License-Identifier: Apache-2.0
"""Network namespaces made inside one of our own, so that nothing is left when we end, however we end."""
import os
import subprocess
import sys

MARK = "RESTANTE_INSIDE_NAMESPACE"


def enter() -> bool:
    """Runs this program again inside new network, mount and process namespaces (as a user: with a user namespace).

    True: we are inside. False: this machine does not permit it. Never returns in the outer program when it works.
    """
    if os.environ.get(MARK):
        return True
    options = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    if os.geteuid() != 0:
        options += ["--user", "--map-root-user"]
    probe = subprocess.run(["unshare", *options, "sh", "-c", "mount -t tmpfs tmpfs /run && ip link set lo up && ip netns add probe"],
                           capture_output=True)
    if probe.returncode != 0:
        return False
    inner = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'
    os.environ[MARK] = "1"
    sys.stdout.flush()
    os.execvp("unshare", ["unshare", *options, "sh", "-c", inner, "sh", sys.executable, *sys.argv])


def _ip(*arguments) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Host:
    """One namespace with its own addresses; `prefix` runs a command in it."""

    def __init__(self, name: str):
        self.name = name
        _ip("netns", "add", name)
        _ip("-n", name, "link", "set", "lo", "up")

    @property
    def prefix(self) -> list[str]:
        return ["ip", "netns", "exec", self.name]

    def counters(self, interface: str) -> tuple[int, int]:
        """Bytes received and sent, as the kernel counts them on that interface."""
        out = subprocess.run([*self.prefix, "cat", f"/sys/class/net/{interface}/statistics/rx_bytes",
                              f"/sys/class/net/{interface}/statistics/tx_bytes"], check=True, capture_output=True, text=True).stdout
        received, sent = map(int, out.split())
        return received, sent


def link(left: Host, left_interface: str, left_address: str, right: Host, right_interface: str, right_address: str,
         rate: str | None = None) -> None:
    """A cable between two hosts, /24; `rate` ("8mbit") shapes both directions."""
    _ip("link", "add", left_interface, "netns", left.name, "type", "veth", "peer", "name", right_interface, "netns", right.name)
    for host, interface, address in ((left, left_interface, left_address), (right, right_interface, right_address)):
        _ip("-n", host.name, "addr", "add", f"{address}/24", "dev", interface)
        _ip("-n", host.name, "link", "set", interface, "up")
        if rate:
            subprocess.run(["tc", "-n", host.name, "qdisc", "add", "dev", interface, "root", "tbf", "rate", rate, "burst", "16kb",
                            "latency", "100ms"], check=True, capture_output=True)
