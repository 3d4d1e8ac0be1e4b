"""What gateloom.py uses of PYNQ, in front of the simulated accelerator. Buffers reach its memory when they are flushed."""

import os

from bridge import Bridge

BRIDGE = Bridge()
BASE = 0xA0000000


class Overlay:
    def __init__(self, bit):
        # PYNQ wants the hardware handoff of the same name beside the bitstream.
        for name in (bit, os.path.splitext(bit)[0] + ".hwh"):
            if not os.path.exists(name):
                raise OSError("Bitstream file %s does not exist." % name)
        self.ip_dict = {"core": {"phys_addr": BASE, "addr_range": 1 << 16}}


class MMIO:
    def __init__(self, base, length):
        assert base == BASE and length % 4096 == 0
        self.length = length

    def read(self, offset=0):
        assert 0 <= offset < self.length and offset % 4 == 0
        return int(BRIDGE.ask("R", offset))

    def write(self, offset, data):
        assert 0 <= offset < self.length and offset % 4 == 0 and 0 <= data < 1 << 32
        BRIDGE.ask("W", offset, data)


class Buffer(bytearray):
    """Of bytes; contiguous, at one address."""

    def place(self):
        self.device_address = int(BRIDGE.ask("A", len(self), 0))
        return self

    def flush(self):
        BRIDGE.ask("S", self.device_address, self.hex())

    def freebuffer(self):
        self.device_address = None


def allocate(shape, dtype):
    assert dtype == "u1" and len(shape) == 1
    return Buffer(os.urandom(shape[0])).place()
