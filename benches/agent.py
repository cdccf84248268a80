"""What the agent costs, process against process: plain, with the agent, and plain again, interleaved.

    python3 benches/agent.py --python target/test-tools/py/redis-8.1/bin/python [--rounds N] [--only sync,async,start,memory]

It starts a redis-server of its own; the environments are those that tests/run makes, `--python` can be given more than
once. A listener that only drains stands in for redis-pooltop. Each figure is the median over the rounds of the time of
one process (of what it repeats: its fastest) divided by that of the plain processes beside it in the same round, so that
a machine that gets slower in between gets slower for both; `same` is plain against plain, the noise to compare it with.
`wall` is the clock's time, `cpu` the process's own.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

AGENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "assets", "agent")

SYNC = """
import json, sys, time, redis
client = redis.Redis(port=int(sys.argv[1]))
def work(count):
    for _ in range(count):
        client.get("pooltop-bench")
work(300)
walls, cpus = [], []
for _ in range(30):
    wall, cpu = time.perf_counter(), time.process_time()
    work(300)
    walls.append(time.perf_counter() - wall)
    cpus.append(time.process_time() - cpu)
print(json.dumps([min(walls), min(cpus)]))
"""

ASYNC = """
import asyncio, json, sys, time, redis.asyncio
async def one(client):
    await client.get("pooltop-bench")
async def main():
    client = redis.asyncio.Redis(port=int(sys.argv[1]), max_connections=2000)
    await client.get("pooltop-bench")
    times = []
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*[one(client) for _ in range(1000)])
    times += [time.perf_counter() - wall, time.process_time() - cpu]
    walls, cpus = [], []
    for _ in range(8):
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*[one(client) for _ in range(1000)])
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    times += [min(walls), min(cpus)]
    await client.aclose()
    print(json.dumps(times))
asyncio.run(main())
"""

START = "pass"
START_REDIS = "import redis"

MEMORY = """
import json, os, resource, sys, time, redis
def rss():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()
pool = redis.ConnectionPool(port=int(sys.argv[1]), max_connections=2000)
held = [pool.get_connection("_") for _ in range(1000)]
time.sleep(2)
print(json.dumps([rss()]))
"""


class Server:
    """A redis-server of our own on a free port."""

    def __init__(self, room):
        self.room = room

    def __enter__(self):
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", self.room]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while self.process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    return port
                except OSError:
                    time.sleep(0.01)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Listener:
    def __init__(self, path):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(64)
        self.taken = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            stream, _ = self.server.accept()
            threading.Thread(target=self.drain, args=(stream,), daemon=True).start()

    def drain(self, stream):
        with stream:
            while True:
                data = stream.recv(1 << 16)
                if not data:
                    return
                self.taken += len(data)


def child(python, code, port, hook, path, measured):
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "REDIS_POOLTOP_SOCKET")}
    if hook:
        env["PYTHONPATH"] = hook
        env["REDIS_POOLTOP_SOCKET"] = path
    began = time.perf_counter()
    done = subprocess.run([python, "-W", "ignore", "-c", code, str(port)], env=env, stdout=subprocess.PIPE, check=True)
    return [time.perf_counter() - began] if measured else json.loads(done.stdout)


def rounds(python, code, port, hook, path, count, measured=False):
    """Rows of [plain, agent, plain again], the order turned with each round."""
    rows = []
    for number in range(count):
        row = [None, None, None]
        for step in range(3):
            which = (number + step) % 3
            row[which] = child(python, code, port, hook if which == 1 else None, path, measured)
        rows.append(row)
    return rows


def ratios(rows, figure):
    agent = statistics.median(row[1][figure] / ((row[0][figure] + row[2][figure]) / 2) for row in rows)
    same = statistics.median(row[2][figure] / row[0][figure] for row in rows)
    plain = statistics.median(row[0][figure] for row in rows)
    return agent, same, plain


def show(name, figure, agent, same, plain, scale, unit):
    print("%-26s %-5s %6.3f   same %6.3f   plain %9.3f %s" % (name, figure, agent, same, plain * scale, unit), flush=True)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--python", action="append")
    ask.add_argument("--rounds", type=int, default=9)
    ask.add_argument("--only", default="sync,async,start,memory")
    given = ask.parse_args()
    only = given.only.split(",")
    with tempfile.TemporaryDirectory() as room, Server(room) as port:
        # A copy, as `run` makes one: the hook writes its compiled agent beside the source.
        hook = os.path.join(room, "hook")
        shutil.copytree(AGENT, hook)
        path = os.path.join(room, "socket")
        listener = Listener(path)
        for python in given.python or [sys.executable]:
            said = "import redis, sys; print(redis.__version__, sys.version.split()[0])"
            version = subprocess.run([python, "-c", said], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
            print("redis-py %s on Python %s, %d rounds" % (version[0], version[1], given.rounds))
            run = (python, port, hook, path)
            bench(only, run, given.rounds)
        print("the listener took %.1f MB" % (listener.taken / 1e6))


def bench(only, run, count):
    python, port, hook, path = run
    if "sync" in only:
        rows = rounds(python, SYNC, port, hook, path, count)
        show("sync GETs", "wall", *ratios(rows, 0), 1e6 / 300, "us each")
        show("sync GETs", "cpu", *ratios(rows, 1), 1e6 / 300, "us each")
    if "async" in only:
        rows = rounds(python, ASYNC, port, hook, path, count)
        show("1,000 at once, cold", "wall", *ratios(rows, 0), 1e3, "us each")
        show("1,000 at once, cold", "cpu", *ratios(rows, 1), 1e3, "us each")
        show("1,000 at once, warm", "wall", *ratios(rows, 2), 1e3, "us each")
        show("1,000 at once, warm", "cpu", *ratios(rows, 3), 1e3, "us each")
    if "start" in only:
        for name, code in (("start, without redis", START), ("start, import redis", START_REDIS)):
            rows = rounds(python, code, port, hook, path, max(count, 15), True)
            more = statistics.median(row[1][0] - (row[0][0] + row[2][0]) / 2 for row in rows)
            same = statistics.median(row[2][0] - row[0][0] for row in rows)
            print("%-26s more  %6.2f ms same %6.2f ms" % (name, more * 1e3, same * 1e3), flush=True)
    if "memory" in only:
        rows = rounds(python, MEMORY, port, hook, path, max(count // 3, 2))
        more = statistics.median(row[1][0] - (row[0][0] + row[2][0]) / 2 for row in rows)
        print("%-26s more  %6.2f MB at 1,000 connections out" % ("memory", more / 1e6), flush=True)


if __name__ == "__main__":
    main()
