# SPDX-License-Identifier: Apache-2.0
"""Attempts on the network and on the rest of the kernel."""
import ctypes
import json
import pathlib
import socket
import struct
import typing

from cage.attempts import ATTEMPTS, CAPABILITIES, LANDLOCK, NAMESPACES, RLIMITS, ROOT, Attempt, attempt
from cage.program import Buffer, Program, Value
from cage.world import ATTACKER, CANARY, CANARY6, World

MSG_FASTOPEN, MSG_NOSIGNAL = 0x20000000, 0x4000
MARK = b"here I am"


def address(port: int, host: str = CANARY) -> bytes:
    return struct.pack("<H", 2) + struct.pack(">H", port) + bytes(map(int, host.split("."))) + bytes(8)


def address6(port: int, host: str = CANARY6) -> bytes:
    return struct.pack("<H", 10) + struct.pack(">HI", port, 0) + socket.inet_pton(socket.AF_INET6, host) + bytes(4)


def unix(path: str | bytes) -> bytes:
    return struct.pack("<H", 1) + (path if isinstance(path, bytes) else path.encode() + b"\0")


def connects(name: str, what: str, canary: str, family: int, where: typing.Callable, *locks: str, kind: int = 1):
    """An attempt to connect with a socket of its own; seen by the canary."""
    def build(p: Program, w: World):
        target = getattr(w, canary)
        target.visits()
        to = p.data(where(w))
        p.call("connect", p.call("socket", family, kind, 0), to, len(to.content))
        return lambda report, worker: worker.becomes(lambda: target.visits() > 0, 0 if report.error else 1)
    ATTEMPTS.append(Attempt(name, what, ("socket", "connect"), locks, build))


connects("connect-public", "connect to a public address", "tcp", 2, lambda w: address(w.tcp.port), NAMESPACES, LANDLOCK)
connects("connect-public-6", "connect to a public IPv6 address", "tcp6", 10, lambda w: address6(w.tcp6.port), NAMESPACES, LANDLOCK)
connects("connect-loopback", "connect to this machine", "loopback", 2, lambda w: address(w.loopback.port, "127.0.0.1"), NAMESPACES,
         LANDLOCK)
connects("connect-abstract", "connect to an abstract Unix socket", "abstract", 1, lambda w: unix(w.abstract.address), NAMESPACES, LANDLOCK)
connects("connect-unix", "connect to a Unix socket", "unix", 1, lambda w: unix(w.unix.address), ROOT)


@attempt("give orders to the server over control.sock", "socket connect", ROOT)
def connect_control(p, w):
    order = b"POST /control HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n" \
            b'{"command":"user-list","args":[]}'
    to, answer = p.data(unix(str(w.place.data / "control.sock"))), p.room(64)
    fd = p.call("socket", 1, 1, 0)
    p.call("connect", fd, to, len(to.content))
    p.call("sendto", fd, p.data(order), len(order), 0, 0, 0)
    p.call("read", fd, answer, 64)
    return lambda report, worker: report.bytes(answer).startswith(b"HTTP/1.1 ")


@attempt("send a datagram to a Unix socket", "socket sendto", ROOT)
def send_unix(p, w):
    w.unix_datagram.visits()
    to = p.data(unix(w.unix_datagram.address))
    p.call("sendto", p.call("socket", 1, 2, 0), p.data(MARK), len(MARK), 0, to, len(to.content))
    return lambda report, worker: w.unix_datagram.visits() > 0


@attempt("send a datagram to a public address", "socket sendto", NAMESPACES)
def send_udp(p, w):
    w.udp.visits()
    p.call("sendto", p.call("socket", 2, 2, 0), p.data(MARK), len(MARK), 0, p.data(address(w.udp.port)), 16)
    return lambda report, worker: worker.becomes(lambda: w.udp.visits() > 0, 0 if report.error else 1)


@attempt("learn the machine's addresses (netlink)", "socket", NAMESPACES)
def ask_netlink(p, w):
    answer = p.room(8192)
    fd = p.call("socket", 16, 3, 0)
    ask = p.data(struct.pack("<IHHII", 20, 22, 0x301, 1, 0) + bytes(4))
    p.call("sendto", fd, ask, 20, 0, 0, 0)
    p.call("read", fd, answer, 8192)
    return lambda report, worker: bytes(map(int, CANARY.split("."))) in report.bytes(answer)


def listed_in(name: str, what: str, family: int, kind: int, protocol: int, table: str):
    """An attempt to have a socket that sees or makes any packet; seen in the machine's table of such sockets."""
    def build(p: Program, w: World):
        def count() -> int:
            return len((w.server.path / "net" / table).read_text().splitlines())
        before = count()
        p.call("socket", family, kind, protocol)
        return lambda report, worker: count() > before
    ATTEMPTS.append(Attempt(name, what, ("socket",), (CAPABILITIES, NAMESPACES), build, True))


listed_in("packet-socket", "listen to every packet", 17, 3, 0x0300, "packet")
listed_in("raw-socket", "make packets of its own", 2, 3, 1, "raw")


def has_socket(name: str, what: str, family: int, kind: int):
    """An attempt to have a socket of a family that may be missing; seen among the worker's descriptors."""
    def build(p: Program, w: World):
        p.wait()
        p.call("socket", family, kind, 0)

        def seen(report, worker):
            def count() -> int:
                return sum(path.startswith("socket:") for path in worker.descriptors().values())
            before = count()
            return worker.go_on() is not None and count() == before + 1
        return seen
    ATTEMPTS.append(Attempt(name, what, ("socket",), (), build, may_lack=True))


has_socket("vsock", "speak with the machine's host (AF_VSOCK)", 40, 1)
has_socket("kernel-crypto", "have the kernel compute (AF_ALG)", 38, 5)


@attempt("make a pair of sockets", "socketpair")
def make_pair(p, w):
    pair = p.room(8)
    p.call("socketpair", 1, 1, 0, pair)
    return lambda report, worker: all(worker.descriptors().get(fd, "").startswith("socket:")
                                      for fd in struct.unpack("<ii", report.bytes(pair)))


def hop(transfer: int, number: int, host: str, port: int, scheme: str = "http", part: int = 0) -> bytes:
    """The packet that asks for the addresses of a hop."""
    return json.dumps({"type": "resolve", "transfer": transfer, "part": part, "hop": number, "scheme": scheme, "host": host, "port": port}).encode()


def connect_request(sequence: int, number: int, family: int, length: int, address: bytes) -> bytes:
    """worker::ConnectRequest of the transfer's first connection."""
    return struct.pack("<IIIiiI", sequence, number, 0, family, 1, length) + address.ljust(128, b"\0")


def resolve(p: Program, w: World, host: str, port: int, number: int = 2) -> Buffer:
    """Asks the server to permit connections to that host, as a worker does before it follows a redirect; the answer."""
    ask = hop(w.transfer_number(), number, host, port)
    answer, wait = p.room(2048), p.data(struct.pack("<ihh", 3, 1, 0))
    p.call("sendto", 3, p.data(ask), len(ask), MSG_NOSIGNAL, 0, 0)
    p.call("poll", wait, 1, 5000)
    p.call("recvfrom", 3, answer, 2048, 0, 0, 0)
    return answer


def ask_connector(p: Program, number: int, where: bytes) -> tuple[Buffer, Value]:
    """A socket as native code gets it: from the connector, over descriptor 4. The answer's 8 bytes, and the descriptor."""
    ask = p.data(connect_request(77, number, 2, len(where), where))
    answer, part, header, control = p.room(8), p.room(16), p.room(56), p.room(24)
    p.call("sendto", 4, ask, len(ask.content), MSG_NOSIGNAL, 0, 0)
    p.pointer(part, 0, answer)
    p.store(part.at(8), 8, 8)
    p.pointer(header, 16, part)
    p.store(header.at(24), 1, 8)
    p.pointer(header, 32, control)
    p.store(header.at(40), 24, 8)
    p.call("recvmsg", 4, header, 0)
    return answer, control.word(16)


def refused_socket(p: Program, w: World) -> Value:
    """A handed-out socket that nobody listens for: the kernel lets it be used again."""
    resolve(p, w, ATTACKER, w.closed_port)
    _, fd = ask_connector(p, w.transfer_number(), address(w.closed_port, ATTACKER))
    wait = p.room(8)
    p.store(wait, fd, 4)
    p.store(wait.at(4), 4, 2)
    p.call("poll", wait, 1, 2000)
    return fd


def re_aims(name: str, what: str, calls: str, aim: typing.Callable, *locks: str):
    """An attempt to turn a socket that the server handed out towards another address; seen by the canary."""
    def build(p: Program, w: World):
        w.tcp.visits()
        aim(p, refused_socket(p, w), p.data(address(w.tcp.port)))
        return lambda report, worker: worker.becomes(lambda: w.tcp.visits() > 0, 0.2)
    ATTEMPTS.append(Attempt(name, what, tuple(calls.split()), locks, build))


def disconnect_and_connect(p, fd, to):
    p.call("connect", fd, p.room(16), 16)
    p.attempt("connect", fd, to, 16)


def fast_open(p, fd, to):
    for _ in range(2):  # the first only takes the refusal
        p.attempt("sendto", fd, p.data(MARK), len(MARK), MSG_FASTOPEN | MSG_NOSIGNAL, to, 16)


def fast_open_by_message(p, fd, to):
    header = p.message(p.data(MARK), len(MARK), name=to)
    for _ in range(2):
        p.attempt("sendmsg", fd, header, MSG_FASTOPEN | MSG_NOSIGNAL)


def fast_open_by_messages(p, fd, to):
    header = p.message(p.data(MARK), len(MARK), name=to)
    for _ in range(2):
        p.attempt("sendmmsg", fd, header, 1, MSG_FASTOPEN | MSG_NOSIGNAL)


re_aims("re-aim-connect", "take a handed-out socket off its peer and connect it elsewhere", "connect", disconnect_and_connect, LANDLOCK)
re_aims("re-aim-fast-open", "aim it elsewhere by TCP fast open (sendto)", "sendto", fast_open)
re_aims("re-aim-fast-open-message", "the same by sendmsg", "sendmsg", fast_open_by_message)
re_aims("re-aim-fast-open-messages", "the same by sendmmsg", "sendmmsg", fast_open_by_messages)


@attempt("let others in through a handed-out socket", "connect listen")
def listen(p, w):
    own, size = p.room(16), p.data(struct.pack("<i", 16))
    fd = refused_socket(p, w)
    p.call("connect", fd, p.room(16), 16)
    p.call("listen", fd, 5)
    p.call("getsockname", fd, own, size)

    def seen(report, worker):
        port, = struct.unpack_from(">H", report.bytes(own), 2)
        return not report.error and answers(port)
    return seen


@attempt("bind a handed-out socket to a port", "connect bind", LANDLOCK)
def bind(p, w):
    with socket.socket() as probe:
        probe.bind((ATTACKER, 0))
        port = probe.getsockname()[1]
    fd = refused_socket(p, w)
    p.call("connect", fd, p.room(16), 16)
    p.call("bind", fd, p.data(address(port, ATTACKER)), 16)
    return lambda report, worker: not report.error and not is_free(port)


def answers(port: int) -> bool:
    try:
        socket.create_connection((ATTACKER, port), 1).close()
        return True
    except OSError:
        return False


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((ATTACKER, port))
            return True
        except OSError:
            return False


# ---- the rest of the kernel

@attempt("io_uring, whose operations no filter sees", "io_uring_setup", RLIMITS)
def io_uring(p, w):
    p.call("io_uring_setup", 4, p.room(120))
    return lambda report, worker: any("io_uring" in path for path in worker.descriptors().values())


@attempt("user-space page faults", "userfaultfd")
def userfaultfd(p, w):
    p.call("userfaultfd", 1)
    return lambda report, worker: any("userfaultfd" in path for path in worker.descriptors().values())


@attempt("performance counters", "perf_event_open")
def perf_event(p, w):
    p.call("perf_event_open", p.data(struct.pack("<IIQQQQQ", 1, 128, 0, 0, 0, 0, 3 << 5) + bytes(80)), 0, -1, -1, 0)
    return lambda report, worker: any("perf_event" in path for path in worker.descriptors().values())


@attempt("a program in the kernel (bpf)", "bpf", CAPABILITIES, NAMESPACES, root_only=True)
def bpf(p, w):
    attributes = p.data(struct.pack("<IIII", 2, 4, 8, 1) + bytes(112))  # an array map with one entry
    p.call("bpf", 0, attributes, 128)
    return lambda report, worker: any("bpf-map" in path for path in worker.descriptors().values())


@attempt("a key in the kernel's keyring", "add_key")
def add_key(p, w):
    p.call("add_key", p.text("user"), p.text("cage-was-here"), p.text("x"), 1, -3 & 0xffffffff)
    return lambda report, worker: "cage-was-here" in pathlib.Path("/proc/keys").read_text()


@attempt("a POSIX message queue", "mq_open", RLIMITS, NAMESPACES)
def posix_queue(p, w):
    queue = w.queues / "cage-was-here"
    queue.unlink(missing_ok=True)
    p.call("mq_open", p.text(queue.name), 0o102, 0o600, 0)
    return lambda report, worker: queue.exists()


def ipc(name: str, what: str, call: str, arguments: tuple, table: str):
    """An attempt to make System V IPC that others see; seen in the machine's table, from where it is removed."""
    def build(p: Program, w: World):
        made = p.call(call, *arguments)

        def seen(report, worker):
            rows = [line.split() for line in pathlib.Path(f"/proc/sysvipc/{table}").read_text().splitlines()[1:]]
            found = any(row[0] == str(0xCA6E) for row in rows)
            libc = ctypes.CDLL(None)
            if found:
                remove = {"shm": libc.shmctl, "msg": libc.msgctl, "sem": lambda n, c, b: libc.semctl(n, 0, c)}[table]
                remove(report.result(made), 0, None)
            return found
        return seen
    ATTEMPTS.append(Attempt(name, what, (call,), (NAMESPACES,), build))


ipc("shared-memory", "memory that is shared by a key", "shmget", (0xCA6E, 4096, 0o1666), "shm")
ipc("message-queue", "a message queue", "msgget", (0xCA6E, 0o1666), "msg")
ipc("semaphores", "semaphores", "semget", (0xCA6E, 1, 0o1666), "sem")
