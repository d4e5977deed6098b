"""The client of tests/launching.py: `launched.py SOCKET MODULE WORDS...`; without site, to start at once."""

import json
import os
import signal
import socket
import struct
import sys

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def main():
    path, module, *words = sys.argv[1:]
    body = {"module": module, "words": words, "cwd": os.getcwd(), "environ": dict(os.environ)}
    text = json.dumps(body).encode()
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    for number in PASSED_ON:
        signal.signal(number, lambda got, _: server.sendall(bytes([got])))
    descriptors = struct.pack("3i", 0, 1, 2)
    server.sendmsg([struct.pack("i", len(text))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
    server.sendall(text)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    answer = server.recv(4)
    code = struct.unpack("i", answer)[0] if answer else 1
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main()
