"""What the agent costs, process against process: plain, with the agent and plain again, in turn.

    cargo run --release -p pooltop-benches -- agent
    python3 benches/agent.py --python target/test-tools/py/redis-8.1/bin/python [--rounds N] [--only sync,async,start,memory]

It starts a redis-server of its own; the environments are those that tests/run makes, `--python` can be given more than
once. A listener that only drains stands in for redis-pooltop.

GETs: the three processes live through the whole measurement and work one after the other, a batch each, so that a
machine that gets slower in between gets slower for all of them; a round is a batch of each, the order turned with each
round. A figure is the median over the rounds of a batch's time divided by the mean of the two plain ones beside it;
`same` is plain against plain, the noise to compare it with. Such trios of processes are started anew some times, since
one may lie in memory more luckily than another for all its life, and the median over them is what counts. `wall` is the
clock's time, `cpu` the process's own: all of it since its last batch, so that what the agent's thread did meanwhile, for
two batches of the others, is counted too.
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

# Each reads a number from standard input and writes what as many GETs took, until there is no more to read.
LOOP = """
import json, sys, time
def batches(work):
    cpu = time.process_time()
    for count in iter(sys.stdin.readline, ""):
        begun = time.perf_counter()
        work(int(count))
        took = time.perf_counter() - begun
        last, cpu = cpu, time.process_time()
        print(json.dumps([took, cpu - last]), flush=True)
"""

SYNC = LOOP + """
import redis
client = redis.Redis(port=int(sys.argv[1]))
def work(count):
    for _ in range(count):
        client.get("pooltop-bench")
batches(work)
"""

ASYNC = LOOP + """
import asyncio, redis.asyncio
client = redis.asyncio.Redis(port=int(sys.argv[1]), max_connections=2000)
async def one():
    await client.get("pooltop-bench")
async def at_once(count):
    for _ in range(count // 1000):
        await asyncio.gather(*[one() for _ in range(1000)])
loop = asyncio.new_event_loop()
batches(lambda count: loop.run_until_complete(at_once(count)))
"""

MEMORY = """
import os, sys, resource, time, redis
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()
pool = redis.ConnectionPool(port=int(sys.argv[1]), max_connections=2000)
held = [pool.get_connection("_") for _ in range(1000)]
time.sleep(2)
print(resident())
"""

WORK = {
    # name: code, how many GETs a batch, what they are called
    "sync": (SYNC, 5000, "sync GETs"),
    "async": (ASYNC, 3000, "asyncio, 1,000 at once"),
}


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


class Setting:
    """Where the processes of a measurement run: the interpreter, the server, the hook and the listener's socket."""

    def __init__(self, python, port, hook, path):
        self.python, self.port, self.hook, self.path = python, port, hook, path

    def start(self, code, hooked):
        env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "REDIS_POOLTOP_SOCKET")}
        if hooked:
            env.update(PYTHONPATH=self.hook, REDIS_POOLTOP_SOCKET=self.path)
        command = [self.python, "-W", "ignore", "-c", code, str(self.port)]
        return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def once(self, code, hooked):
        """Starts a process and waits for its end: how long that took, and what it wrote."""
        begun = time.perf_counter()
        process = self.start(code, hooked)
        said, _ = process.communicate()
        took = time.perf_counter() - begun
        if process.returncode != 0:
            sys.exit("a process of the benchmark failed")
        return took, said


def batch(process, count):
    process.stdin.write("%d\n" % count)
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def trio(setting, code, count, rounds):
    """For wall and cpu: agent against plain, plain against plain, and plain in seconds."""
    processes = [setting.start(code, hooked) for hooked in (False, True, False)]
    for process in processes:
        for _ in range(3):
            batch(process, count)
    rows = []
    for number in range(rounds):
        row = [None, None, None]
        for step in range(3):
            which = (number + step) % 3
            row[which] = batch(processes[which], count)
        rows.append(row)
    for process in processes:
        process.communicate()
    return [summary([[took[figure] for took in row] for row in rows]) for figure in range(2)]


def summary(rows):
    agent = statistics.median(agent / ((first + second) / 2) for first, agent, second in rows)
    same = statistics.median(second / first for first, _, second in rows)
    return agent, same, statistics.median(row[0] for row in rows)


def gets(setting, only, rounds, trios):
    for name, (code, count, title) in WORK.items():
        if name not in only:
            continue
        found = [trio(setting, code, count, rounds) for _ in range(trios)]
        for figure, called in enumerate(("wall", "cpu")):
            agent, same, plain = [statistics.median(one[figure][column] for one in found) for column in range(3)]
            worst = max(one[figure][0] for one in found)
            print(
                "  %-24s %-4s %.3f (worst of %d: %.3f), same %.3f, plain %.1f us a GET"
                % (title, called, agent, trios, worst, same, plain / count * 1e6),
                flush=True,
            )


def starts(setting, rounds):
    for title, code in (("start, without redis", "pass"), ("start, import redis", "import redis")):
        rows = []
        for number in range(rounds):
            row = [None, None, None]
            for step in range(3):
                which = (number + step) % 3
                row[which] = setting.once(code, which == 1)[0]
            rows.append(row)
        agent = statistics.median(agent - (first + second) / 2 for first, agent, second in rows) * 1e3
        same = statistics.median(second - first for first, _, second in rows) * 1e3
        plain = statistics.median(row[0] for row in rows) * 1e3
        print("  %-24s      %+.2f ms, same %+.2f ms, plain %.1f ms" % (title, agent, same, plain), flush=True)


def memory(setting, rounds):
    rows = [[int(setting.once(MEMORY, which == 1)[1]) for which in range(3)] for _ in range(rounds)]
    agent = statistics.median(agent - (first + second) / 2 for first, agent, second in rows) / 1e6
    same = statistics.median(second - first for first, _, second in rows) / 1e6
    print("  %-24s      %+.2f MB, same %+.2f MB, plain %.1f MB" % ("1,000 connections out", agent, same, rows[0][0] / 1e6))


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--python", action="append")
    ask.add_argument("--rounds", type=int, default=15)
    ask.add_argument("--trios", type=int, default=5)
    ask.add_argument("--only", default="sync,async,start,memory")
    ask.add_argument("--agent", default=AGENT, help="the directory of another version, to compare with")
    given = ask.parse_args()
    only = given.only.split(",")
    with tempfile.TemporaryDirectory() as room, Server(room) as port:
        # A copy, as `run` makes one: the hook writes its compiled agent beside the source.
        hook = os.path.join(room, "hook")
        shutil.copytree(given.agent, hook)
        path = os.path.join(room, "socket")
        Listener(path)
        for python in given.python or [sys.executable]:
            said = "import redis, sys; print(redis.__version__, sys.version.split()[0])"
            version = subprocess.run([python, "-c", said], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
            print("redis-py %s on Python %s: with the agent, against plain" % (version[0], version[1]), flush=True)
            setting = Setting(python, port, hook, path)
            gets(setting, only, given.rounds, given.trios)
            if "start" in only:
                starts(setting, 3 * given.rounds)
            if "memory" in only:
                memory(setting, 5)


if __name__ == "__main__":
    main()
