"""What gateloom_serial.py uses of pyserial, in front of the simulated chip."""

import os
import socket


class SerialException(IOError):
    pass


class Serial:
    def __init__(self, port, baudrate, timeout=None):
        if port != os.environ["GATELOOM_PORT"] or baudrate != int(os.environ["GATELOOM_BAUD"]):
            raise SerialException("could not open port %s at %d" % (port, baudrate))
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.environ["GATELOOM_BRIDGE"])
        self.socket.settimeout(timeout)

    def reset_input_buffer(self):
        pass

    def write(self, data):
        self.socket.sendall(data)

    def read(self, size):
        """Fewer bytes when the time is over."""
        data = b""
        try:
            while len(data) < size:
                data += self.socket.recv(size - len(data))
        except socket.timeout:
            pass
        return data
