"""A redis-server, a listener and subjects: Python programs started with the hook, stepped through by their tests."""

import atexit
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ASSETS = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../assets/agent"))
DEADLINE = 60  # long enough for a machine that is busy with other work
LIBRARY = "redis" if importlib.util.find_spec("redis") else "valkey"


def hook():
    """A copy of the hook's directory, as `run` makes one: the hook writes its compiled agent beside the source."""
    room = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, room, True)
    for name in ("redis_pooltop_agent.py", "sitecustomize.py"):
        shutil.copy(os.path.join(ASSETS, name), room)
    return room


HOOK = hook()

PRELUDE = """
import asyncio, gc, os, sys, threading, time, warnings
warnings.simplefilter("ignore")
import {library} as redis
import {library}.asyncio as aredis
Client = redis.{client}
AClient = aredis.{client}
PORT = int(os.environ["SUBJECT_PORT"])
def pause(name):
    print(name, flush=True)
    sys.stdin.readline()
async def apause(name):
    print(name, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
""".format(library=LIBRARY, client="Redis" if LIBRARY == "redis" else "Valkey")

_server = None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server_port():
    """The port of a server that the tests of a module share."""
    global _server
    if _server is None:
        unittest.addModuleCleanup(stop_server)
    while _server is None:
        port = free_port()
        room = tempfile.mkdtemp()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", room]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _server = (process, port, room)
        until(lambda: process.poll() is not None or answers(port), "the server")
        if process.poll() is not None:
            # Between finding the port and binding it somebody else took it.
            stop_server()
    return _server[1]


def stop_server():
    global _server
    if _server is not None:
        process, _, room = _server
        process.kill()
        process.wait()
        shutil.rmtree(room, ignore_errors=True)
        _server = None


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as stream:
            stream.sendall(b"PING\r\n")
            return stream.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def until(found, what, deadline=DEADLINE):
    """What `found` returns once it is true."""
    end = time.monotonic() + deadline
    while True:
        value = found()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("never came: %s" % what)
        time.sleep(0.01)


class Process:
    """All that one process told over one connection, put together as redis-pooltop does it."""

    def __init__(self):
        self.raw = b""
        self.lines = []
        self.hello = None
        self.libraries = {}
        self.stacks = {}
        self.pools = {}
        self.entries = {}
        self.out = {}
        self.failed, self.unread, self.shared, self.opened, self.closed = [], [], [], [], []
        self.gone = {}
        self.snaps = 0
        self.last = None
        self.bye = None
        self.over = False

    def take(self, line):
        message = json.loads(line)
        self.lines.append(message)
        kind = message["t"]
        if kind == "hello":
            self.hello = message
        elif kind == "lib":
            self.libraries[message["name"]] = message["version"]
        elif kind == "stack":
            self.stacks[message["id"]] = message
        elif kind == "pool":
            self.pools[message["id"]] = message
        elif kind == "gone":
            self.gone[message["pool"]] = message
        elif kind == "bye":
            self.bye = message
        elif kind == "snap":
            for entry in message["pools"]:
                self.entry(entry)
            self.last = message
            self.snaps += 1

    def entry(self, entry):
        pool = entry["id"]
        assert pool in self.pools, "told of before it was announced"
        self.entries[pool] = entry
        for conn, _ in entry["back"]:
            self.out.pop((pool, conn), None)
        for lease in entry["out"]:
            assert lease["stack"] in self.stacks
            self.out[pool, lease["conn"]] = lease
        for name in ("failed", "unread", "shared"):
            for event in entry[name]:
                getattr(self, name).append(event)
        self.opened.extend(entry["opened"])
        self.closed.extend(entry["closed"])

    def frame(self, told):
        """The innermost frame of a lease, failure or pool, if it is known."""
        frames = self.stacks[told["stack"]]["frames"]
        return frames[0] if frames else [None, None, None]

    def total(self, name):
        return sum(entry["totals"][name] for entry in self.entries.values())

    def now(self, name):
        return sum(entry[name] for entry in self.entries.values())


class Listener:
    def __init__(self, path):
        self.path = path
        self.processes = []
        self.lock = threading.Lock()
        self.reading = threading.Event()
        self.reading.set()
        self.streams = []
        self.listen()

    def listen(self):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(64)
        threading.Thread(target=self.accept, args=(self.server,), daemon=True).start()

    def accept(self, server):
        while True:
            try:
                stream, _ = server.accept()
            except OSError:
                return
            process = Process()
            with self.lock:
                self.processes.append(process)
                self.streams.append(stream)
            threading.Thread(target=self.read, args=(stream, process), daemon=True).start()

    def read(self, stream, process):
        kept = b""
        while True:
            self.reading.wait()
            try:
                data = stream.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                process.over = True
                return
            process.raw += data
            lines = (kept + data).split(b"\n")
            kept = lines.pop()
            for line in lines:
                with self.lock:
                    process.take(line)

    def hang_up(self, unlink=True):
        # A shutdown first: a thread is inside accept, and a close alone would leave the socket to it.
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        if unlink:
            os.unlink(self.path)
        with self.lock:
            for stream in self.streams:
                try:
                    stream.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                stream.close()
            self.streams.clear()

    def only(self):
        """The one process that told anything, over its last connection."""
        with self.lock:
            return self.processes[-1] if self.processes else None


class Subject:
    """A program of these lines, run with the hook; `pause("x")` in it waits for `after("x")`."""

    def __init__(self, case, text, python=(), env=None, prelude=PRELUDE, hook=HOOK):
        self.room = tempfile.mkdtemp()
        case.addCleanup(shutil.rmtree, self.room, True)
        self.listener = Listener(os.path.join(self.room, "socket"))
        case.addCleanup(self.listener.server.close)
        self.path = os.path.join(self.room, "subject.py")
        self.text = prelude + text
        with open(self.path, "w", encoding="utf-8") as source:
            source.write(self.text)
        env = dict(os.environ, **(env or {}))
        env.update(SUBJECT_PORT=str(server_port()), REDIS_POOLTOP_SOCKET=self.listener.path, PYTHONPATH=hook)
        self.child = subprocess.Popen(
            [sys.executable] + list(python) + [self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=self.room,
        )
        # One that hangs ends here, and its test with it.
        self.end = threading.Timer(DEADLINE, self.child.kill)
        self.end.daemon = True
        self.end.start()
        case.addCleanup(self.stop)
        self.case = case
        self.at = None

    def reach(self, name):
        """Goes on from the last pause to the one of this name."""
        if self.at is not None:
            self.go()
        line = self.child.stdout.readline().decode().strip()
        if line != name:
            self.child.stdin.close()
            raise AssertionError("at %r instead of %r: %s" % (line, name, self.child.stderr.read().decode()))
        self.at = name
        return self

    def go(self):
        self.child.stdin.write(b"\n")
        self.child.stdin.flush()
        self.at = None

    def finish(self, code=0):
        """Lets it end, and returns what it wrote to standard output and error."""
        if self.at is not None:
            self.go()
        out, error = self.child.communicate(timeout=DEADLINE)
        self.case.assertEqual(self.child.returncode, code, error.decode())
        return out.decode(), error.decode()

    def stop(self):
        self.end.cancel()
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            pipe.close()

    def line(self, mark):
        """The number of the line that ends in `# mark`."""
        for number, line in enumerate(self.text.splitlines(), 1):
            if line.endswith("# " + mark):
                return number
        raise AssertionError("no line is marked %s" % mark)

    def told(self, found, what):
        """Waits for what `found` finds in what the process told."""

        def look():
            process = self.listener.only()
            if process is None:
                return None
            with self.listener.lock:
                return found(process)

        try:
            return until(look, what)
        except AssertionError:
            process = self.listener.only()
            tail = process.lines[-4:] if process is not None else "nothing was told"
            raise AssertionError("never told: %s; last: %s" % (what, tail))

    def lease(self, mark, **wanted):
        """Waits for a connection out that was taken at the marked line and is as wanted."""

        def found(process):
            for lease in process.out.values():
                path, line, _ = process.frame(lease)
                if path == self.path and line == self.line(mark):
                    if all(lease[name] == value for name, value in wanted.items()):
                        return lease

        return self.told(found, "a connection out from the line marked %s with %s" % (mark, wanted))

    def abandoned(self, mark):
        def found(process):
            for lease in process.out.values():
                path, line, _ = process.frame(lease)
                if path == self.path and line == self.line(mark) and lease["abandoned"] is not None:
                    return lease

        return self.told(found, "an abandoned connection from the line marked %s" % mark)

    def clean(self):
        """Nothing went wrong inside the agent."""
        process = self.listener.only()
        with self.listener.lock:
            last = process.last
        self.case.assertEqual((last["errors"], last["error"]), (0, None))
        return process
