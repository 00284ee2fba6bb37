# SPDX-License-Identifier: Apache-2.0
"""Native code as data: programs of system calls that restante-transfer-hostile (hostile.cpp) runs inside the worker."""
import struct

MAGIC = b"RUN CAGE"
NUMBER, RESULT, BUFFER, CONNECTION, OUTPUT, WORD, DOUBLEWORD = range(7)
ARGUMENTS = 7


class Value:
    """An argument that is known only inside the worker."""

    def __init__(self, kind: int, value: int = 0):
        self.kind, self.value = kind, value


THE_CONNECTION = Value(CONNECTION)  # over which the program came, and over which its report leaves
THE_OUTPUT = Value(OUTPUT)          # the file that this worker writes


class Buffer(Value):
    def __init__(self, index: int, content: bytes):
        super().__init__(BUFFER, index)
        self.index, self.content = index, content

    def at(self, offset: int) -> Value:
        return Value(BUFFER, self.index | offset << 8)

    def word(self, offset: int = 0) -> Value:
        """The 32-bit number that lies there when the operation is run."""
        return Value(WORD, self.index | offset << 8)

    def doubleword(self, offset: int = 0) -> Value:
        return Value(DOUBLEWORD, self.index | offset << 8)


class Program:
    """`call` adds a system call, by the kernel's name for it; the first that fails ends the program, but for `attempt`."""

    def __init__(self):
        self.buffers: list[Buffer] = []
        self.operations: list[bytes] = []

    def data(self, content: bytes) -> Buffer:
        self.buffers.append(Buffer(len(self.buffers), content))
        return self.buffers[-1]

    def text(self, text) -> Buffer:
        return self.data(str(text).encode() + b"\0")

    def room(self, size: int) -> Buffer:
        return self.data(bytes(size))

    def _operation(self, name: str, arguments: tuple, may_fail: bool) -> Value:
        padded = [*arguments, *[0] * (ARGUMENTS - len(arguments))]
        kinds = bytes(one.kind if isinstance(one, Value) else NUMBER for one in padded)
        values = [one.value if isinstance(one, Value) else one for one in padded]
        self.operations.append(struct.pack("<24sB7s7q", name.encode(), may_fail, kinds,
                                           *[value - (1 << 64) if value >= 1 << 63 else value for value in values]))
        return Value(RESULT, len(self.operations) - 1)

    def call(self, name: str, *arguments) -> Value:
        return self._operation(name, arguments, False)

    def attempt(self, name: str, *arguments) -> Value:
        return self._operation(name, arguments, True)

    def store(self, where: Value, value, size: int = 4) -> None:
        self.call("@store", where, value, size)

    def pointer(self, buffer: Buffer, offset: int, to) -> None:
        self.store(buffer.at(offset), to, 8)

    def wait(self) -> None:
        """Until the one outside has looked."""
        self.call("@report")
        self.call("@wait")

    def message(self, payload: Buffer, size: int, fd=None, name: Buffer | None = None) -> Buffer:
        """A struct msghdr with these bytes, at most one descriptor and an address."""
        part, header = self.room(16), self.room(64)
        self.pointer(part, 0, payload)
        self.store(part.at(8), size, 8)
        self.pointer(header, 16, part)
        self.store(header.at(24), 1, 8)
        if name:
            self.pointer(header, 0, name)
            self.store(header.at(8), len(name.content), 4)
        if fd is not None:
            control = self.data(struct.pack("<Qiii4x", 20, 1, 1, 0))
            self.store(control.at(16), fd, 4)
            self.pointer(header, 32, control)
            self.store(header.at(40), 24, 8)
        return header

    def encode(self) -> bytes:
        body = struct.pack("<I", len(self.buffers))
        body += b"".join(struct.pack("<I", len(one.content)) + one.content for one in self.buffers)
        body += struct.pack("<I", len(self.operations)) + b"".join(self.operations)
        return MAGIC + struct.pack("<I", len(body)) + body


class Report:
    """What came out of the worker: every result, every buffer as it was at the end and where it lay."""

    def __init__(self, raw: bytes):
        done, = struct.unpack_from("<I", raw)
        self.results = struct.unpack_from(f"<{done}q", raw, 4)
        at = 4 + 8 * done
        count, = struct.unpack_from("<I", raw, at)
        at += 4
        self.buffers, self.addresses = [], []
        for _ in range(count):
            address, size = struct.unpack_from("<QI", raw, at)
            self.addresses.append(address)
            self.buffers.append(raw[at + 12:at + 12 + size])
            at += 12 + size

    def bytes(self, buffer: Buffer) -> bytes:
        return self.buffers[buffer.index]

    def address(self, buffer: Buffer) -> int:
        return self.addresses[buffer.index]

    def result(self, value: Value) -> int | None:
        return self.results[value.value] if value.value < len(self.results) else None

    @property
    def error(self) -> int:
        """The errno of the call that ended the program, or 0."""
        last = self.results[-1] if self.results else 0
        return -last if -4096 < last < 0 else 0
