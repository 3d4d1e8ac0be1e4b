"""The socket of testbenches/harness/hostbridge.ts: one line asked, one line answered."""

import os
import socket


class Bridge:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.environ["GATELOOM_BRIDGE"])
        self.lines = self.socket.makefile("r", encoding="ascii", newline="\n")

    def ask(self, *words):
        self.socket.sendall((" ".join(str(word) for word in words) + "\n").encode("ascii"))
        line = self.lines.readline().rstrip("\n")
        if line == "" or line.startswith("!"):
            raise RuntimeError("bridge: " + (line or "closed"))
        return line
