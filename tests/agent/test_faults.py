"""What goes wrong with connections: unread replies, forks, signals; and what goes wrong around the agent."""

import json
import os
import signal
import subprocess
import sys
import unittest

from support import LIBRARY, PRELUDE, Subject, until

# A signal that raises in the middle of hiredis's packer ends the interpreter, with the agent or without.
WITHOUT_HIREDIS = 'import sys\nsys.modules["hiredis"] = None\n' + PRELUDE


class Unread(unittest.TestCase):
    def test_released_with_a_reply_owed(self):
        subject = Subject(self, """
pool = redis.ConnectionPool(port=PORT)
def careless():
    conn = pool.get_connection("_")  # here
    conn.send_command("BLPOP", "nothing", 60)
    pool.release(conn)
careless()
conn = pool.get_connection("_")
pause("lent")
""")
        subject.reach("lent")
        process = subject.told(lambda process: process.unread and process, "the reply that was not read")
        fault = process.unread[0]
        self.assertEqual((fault["seen"], fault["owed"], fault["bytes"]), ("release", 1, 0))
        self.assertEqual(process.frame(fault)[1:], [subject.line("here"), "careless"])
        process = subject.told(lambda process: len(process.unread) > 1 and process, "that it was lent again")
        self.assertEqual((process.unread[1]["seen"], process.unread[1]["owed"]), ("checkout", 1))
        self.assertEqual(process.total("unread_replies"), 2)
        subject.finish()
        subject.clean()

    def test_asynchronous(self):
        subject = Subject(self, """
async def careless(pool):
    conn = await pool.get_connection("_")  # here
    await conn.send_command("PING")
    await pool.release(conn)
async def main():
    pool = aredis.ConnectionPool(port=PORT)
    await careless(pool)
    await apause("released")
asyncio.run(main())
""")
        subject.reach("released")
        process = subject.told(lambda process: process.unread and process, "the reply that was not read")
        fault = process.unread[0]
        self.assertEqual((fault["seen"], fault["owed"]), ("release", 1))
        self.assertEqual(process.frame(fault)[1:], [subject.line("here"), "careless"])
        self.assertRegex(fault["task"], r"^Task-\d+$")
        subject.finish()
        subject.clean()

    def test_what_is_read_is_not_owed(self):
        subject = Subject(self, """
client = Client(port=PORT)
client.set("string", "x")
for _ in range(3):
    try:
        client.lpush("string", 1)
    except redis.ResponseError:
        pass
    pipeline = client.pipeline()
    pipeline.get("a").get("b").lpush("string", 1)
    pipeline.execute(raise_on_error=False)
    client.pipeline(transaction=False).get("a").get("b").execute()
    with client.pipeline() as watching:
        watching.watch("a")
        watching.get("a")
    pubsub = client.pubsub()
    pubsub.subscribe("a", "b", "c")
    client.publish("a", "b")
    for _ in range(4):
        pubsub.get_message(timeout=1)
    pubsub.close()
    client.lock("l", timeout=1).acquire()
    client.delete("l")
async def main():
    client = AClient(port=PORT)
    pipeline = client.pipeline()
    pipeline.get("a").get("b").lpush("string", 1)
    await pipeline.execute(raise_on_error=False)
    pubsub = client.pubsub()
    await pubsub.subscribe("a", "b", "c")
    for _ in range(3):
        await pubsub.get_message(timeout=1)
    await pubsub.unsubscribe()
    await pubsub.close()
    await asyncio.gather(*[client.get("a") for _ in range(20)])
    task = asyncio.ensure_future(client.blpop("none", timeout=30))
    while (await client.info("clients"))["blocked_clients"] == 0:
        pass
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.get("a")
asyncio.run(main())
pause("done")
""")
        subject.reach("done")
        subject.told(lambda process: process.total("commands") > 40 and not process.out, "the commands")
        subject.finish()
        process = subject.clean()
        self.assertEqual(process.unread, [])
        self.assertEqual(process.total("unread_replies"), 0)
        self.assertGreaterEqual(process.total("error_replies"), 3)


class Forks(unittest.TestCase):
    TEXT = """
pool = redis.ConnectionPool(port=PORT)
client = Client(connection_pool=pool)
client.get("key")
held = pool.get_connection("_")  # parent
pid = os.fork()
if pid == 0:
    client.get("key")
    %s
    os.write(1, b"child\\n")
    os.read(0, 1)
    os._exit(0)
pause("never") if pid == 0 else os.waitpid(pid, 0)
"""

    def child(self, subject):
        def found():
            with subject.listener.lock:
                for process in subject.listener.processes:
                    if process.hello and process.hello["forked"] and process.snaps:
                        return process

        return until(found, "the child's hello")

    def test_child_says_hello_with_inherited_pools(self):
        subject = Subject(self, self.TEXT % "")
        subject.reach("child")
        process = self.child(subject)
        self.assertEqual(process.hello["ppid"], subject.child.pid)
        until(lambda: 1 in process.pools and process.entries, "the pool")
        self.assertTrue(process.pools[1]["inherited"])
        until(lambda: process.total("opened") == 1, "a connection of its own")
        self.assertEqual(process.shared, [])
        self.assertEqual(process.out, {})
        subject.finish()

    def test_every_child_is_told_where_the_pool_was_made(self):
        subject = Subject(self, """
client = Client(port=PORT)  # made
client.get("key")
pause("told")
children = [os.fork()]
if children != [0]:
    children.append(os.fork())
if 0 in children:
    client.get("key")
    os.write(1, b"child\\n")
    os.read(0, 1)
    os._exit(0)
for child in children:
    os.waitpid(child, 0)
pause("done")
""")
        subject.reach("told")
        subject.told(lambda process: process.pools, "the pool")
        subject.reach("child")
        line = subject.line("made")

        def found():
            with subject.listener.lock:
                forked = [one for one in subject.listener.processes if one.hello and one.hello["forked"] and one.pools]
                return forked if len(forked) == 2 else None

        for process in until(found, "both children"):
            self.assertEqual(process.frame(process.pools[1])[1], line)
        subject.at = None
        subject.child.stdin.write(b"\n\n")
        subject.child.stdin.flush()

    def test_shared_after_fork(self):
        subject = Subject(self, self.TEXT % 'held.send_command("PING"); held.read_response()  # used')
        subject.reach("child")
        process = self.child(subject)
        until(lambda: process.shared, "the shared connection")
        self.assertEqual(process.frame(process.shared[0])[1], subject.line("used"))
        subject.finish()

    def test_spawn_and_fork_of_multiprocessing(self):
        for method in ("spawn", "fork"):
            with self.subTest(method):
                subject = Subject(self, """
import multiprocessing
def work(port):
    Client(port=port).get("key")
if __name__ == "__main__":
    multiprocessing.set_start_method("%s")
    child = multiprocessing.Process(target=work, args=(PORT,))
    child.start()
    child.join()
    pause("done")
""" % method)
                subject.reach("done")
                pids = until(lambda: len({p.hello["pid"] for p in subject.listener.processes if p.hello}) == 2, "two")
                self.assertTrue(pids)
                subject.finish()


class Exhausted(unittest.TestCase):
    def test_the_end_of_the_stack_leaves_no_reply_behind(self):
        # From wherever the stack ends, what comes next must not be answered by what was asked then.
        subject = Subject(self, """
def ask(client, number, piped):
    if not piped:
        return client.get("k%d" % number)
    with client.pipeline() as pipeline:
        return pipeline.get("k%d" % number).get("none").execute()[0]
def deep(client, piped, more):
    ask(client, 1, piped) if more == 0 else deep(client, piped, more - 1)
Client(port=PORT).mset({"k%d" % number: number for number in range(5)})
wrong = []
for piped in (False, True):
    for more in range(50):
        for single in (False, True):
            client = Client(port=PORT, single_connection_client=single)
            ask(client, 1, piped)
            try:
                deep(client, piped, sys.getrecursionlimit() - more)
            except RecursionError:
                pass
            for number in (2, 3, 4):
                if ask(client, number, piped) != b"%d" % number:
                    wrong.append((piped, more, single, number))
            client.close()
print("wrong", wrong)
pause("done")
""")
        subject.reach("wrong []")
        subject.at = None
        subject.reach("done")
        subject.finish()

    def test_asynchronously(self):
        subject = Subject(self, """
async def main():
    client = AClient(port=PORT)
    await client.mset({"k%d" % number: number for number in range(5)})
    async def deep(more):
        await (client.get("k1") if more == 0 else deep(more - 1))
    wrong = []
    for more in range(50):
        try:
            await deep(sys.getrecursionlimit() - more)
        except RecursionError:
            pass
        for number in (2, 3, 4):
            if await client.get("k%d" % number) != b"%d" % number:
                wrong.append((more, number))
    print("wrong", wrong)
asyncio.run(main())
pause("done")
""")
        subject.reach("wrong []")
        subject.at = None
        subject.reach("done")
        subject.finish()

    def test_whatever_our_notes_raise_the_connection_is_closed_and_given_back(self):
        # As a signal's handler would raise there, and as `_fault` fails where the stack ends.
        subject = Subject(self, """
agent = sys.modules["redis_pooltop_agent"]
class Struck(BaseException):
    pass
def strike(error):
    def struck(*_):
        raise error
    return struck
def under(name, error, act, fault=None):
    kept, agent_fault = getattr(agent, name), agent._fault
    setattr(agent, name, strike(error))
    if fault is not None:
        agent._fault = strike(fault)
    try:
        act()
        return None
    except Struck as struck:
        return struck
    finally:
        setattr(agent, name, kept)
        agent._fault = agent_fault
pool = redis.ConnectionPool(port=PORT)
for error, fault, comes in ((Struck(), None, True), (KeyError(), RecursionError(), False), (MemoryError(), MemoryError(), False)):
    conn = pool.get_connection("_")
    conn.send_command("PING")
    came = under("_hung_up", error, conn.disconnect, fault)
    assert conn._sock is None, "not closed"
    assert (came is error) is comes, came
    came = under("_back", error, lambda: pool.release(conn), fault)
    assert not pool._in_use_connections, "not given back"
    assert (came is error) is comes, came
    conn = pool.get_connection("_")
    conn.send_command("ECHO", "this")
    assert conn.read_response() == b"this"
    pool.release(conn)
async def main():
    pool = aredis.ConnectionPool(port=PORT)
    loop = asyncio.get_running_loop()
    async def struck(name, error, fault, act):
        kept, agent_fault = getattr(agent, name), agent._fault
        setattr(agent, name, strike(error))
        if fault is not None:
            agent._fault = strike(fault)
        try:
            await act()
        except Struck as struck:
            return struck
        finally:
            setattr(agent, name, kept)
            agent._fault = agent_fault
    for error, fault, comes in ((Struck(), None, True), (KeyError(), RecursionError(), False)):
        conn = await pool.get_connection("_")
        await conn.send_command("PING")
        came = await struck("_hung_up", error, fault, conn.disconnect)
        assert conn._writer is None, "not closed"
        assert (came is error) is comes, came
        came = await struck("_back", error, fault, lambda: pool.release(conn))
        assert not pool._in_use_connections, "not given back"
        assert (came is error) is comes, came
        conn = await pool.get_connection("_")
        await conn.send_command("ECHO", "this")
        assert await conn.read_response() == b"this"
        await pool.release(conn)
    await pool.disconnect()
asyncio.run(main())
pause("done")
""")
        subject.reach("done")
        subject.told(lambda process: process.last and process.last["errors"], "that notes were lost")
        subject.finish()


class Daemons(unittest.TestCase):
    def test_a_number_that_is_no_longer_ours_is_neither_written_nor_closed(self):
        subject = Subject(self, """
import socket
client = Client(port=PORT)
client.get("key")
pause("told")
pool = client.connection_pool
pool.disconnect()
agent = sys.modules["redis_pooltop_agent"]._agent
socket_before = agent.socket
# As a daemon does: it closes what it did not open, and the numbers come again.
os.closerange(3, 256)
pairs = [socket.socketpair() for _ in range(4)]
files = [open(name, "w") for name in ("a", "b", "c", "d")]
pause("closed")
for pair in pairs:
    for end in pair:
        end.setblocking(False)
        try:
            print("received", end.recv(100))
        except BlockingIOError:
            pass
    pair[0].send(b"x")
    assert pair[1].recv(2) == b"x"
for file in files:
    file.write("whole")
    file.close()
assert [open(name).read() for name in ("a", "b", "c", "d")] == ["whole"] * 4
client.get("key")
pause("done")
""")
        subject.reach("told")
        subject.told(lambda process: process.snaps, "a snapshot")
        subject.reach("closed")
        until(lambda: len(subject.listener.processes) == 2, "that it connected anew")
        subject.told(lambda process: process.snaps, "a snapshot over the new connection")
        subject.reach("done")
        subject.finish()
        subject.clean()

    def test_at_a_fork_too(self):
        subject = Subject(self, """
client = Client(port=PORT)
client.get("key")
pause("told")
agent = sys.modules["redis_pooltop_agent"]._agent
number = agent.socket.fileno()
client.connection_pool.disconnect()
os.register_at_fork(before=lambda: os.dup2(file.fileno(), number))
file = open("a", "w")
child = os.fork()
if child == 0:
    os.write(number, b"whole")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert open("a").read() == "whole"
pause("done")
""")
        subject.reach("told")
        subject.told(lambda process: process.snaps, "a snapshot")
        subject.reach("done")
        subject.finish()


class Interrupted(unittest.TestCase):
    def test_signals_that_raise_anywhere(self):
        # A storm of exceptions out of a signal handler, most of them inside wrapped calls: afterwards the table must
        # agree with the pool about what is lent.
        subject = Subject(self, """
import random, signal
client = Client(port=PORT)
pool = client.connection_pool
class Storm(Exception):
    pass
def strike(number, frame):
    raise Storm
signal.signal(signal.SIGALRM, strike)
random.seed(7)
struck = 0
def weather():
    global struck
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.001))
        end = time.monotonic() + 0.005
        while time.monotonic() < end:
            client.get("key")
    except Exception:
        struck += 1
for _ in range(400):
    try:
        weather()
    except Storm:
        struck += 1
signal.setitimer(signal.ITIMER_REAL, 0)
for _ in range(20):
    client.get("key")
state = pool._redis_pooltop
leaked = {id(c) for c in pool._in_use_connections}
told = {id(c.ref()) for c in sys.modules["redis_pooltop_agent"]._out(state)}
shelved = {id(c) for c in pool._available_connections}
print("struck", struck, "leaked", len(leaked), "told", len(told), "missed", len(leaked - told), "false", len(told & shelved))
pause("done")
""", prelude=WITHOUT_HIREDIS)
        line = subject.child.stdout.readline().decode().split()
        self.assertTrue(line, subject.child.poll() and subject.child.stderr.read())
        said = dict(zip(line[::2], line[1::2]))
        self.assertEqual(said["false"], "0", line)
        self.assertLessEqual(int(said["missed"]), 1 + int(said["struck"]) // 100, line)
        subject.reach("done")
        subject.told(lambda process: process.snaps, "a snapshot")
        subject.finish()


class Around(unittest.TestCase):
    LEASE = """
pool = redis.ConnectionPool(port=PORT)
conn = pool.get_connection("_")  # here
pause("held")
"""

    def test_reconnect_announces_everything_again(self):
        subject = Subject(self, self.LEASE)
        subject.reach("held")
        subject.lease("here")
        subject.listener.hang_up()
        subject.listener.processes.clear()
        subject.listener.listen()
        subject.lease("here")
        process = subject.listener.only()
        self.assertEqual(process.libraries.keys(), {LIBRARY})
        self.assertEqual(len(process.opened), 1)
        subject.finish()

    def test_no_listener(self):
        subject = Subject(self, self.LEASE + "client = Client(port=PORT)\nclient.get('key')\npause('ended')\n")
        subject.listener.hang_up()
        subject.reach("held")
        subject.reach("ended")
        out, error = subject.finish()
        self.assertEqual(error, "")

    def test_a_listener_that_does_not_read(self):
        subject = Subject(self, """
pause("begin")
pools = []
for _ in range(3000):
    pool = redis.ConnectionPool(port=PORT, client_name="x" * 60)
    pools.append(pool)
conn = pool.get_connection("_")
for _ in range(30):
    for _ in range(100):
        try:
            conn.disconnect()
            conn.connect()
        except redis.RedisError:
            pass
    time.sleep(0.01)
agent = sys.modules["redis_pooltop_agent"]._agent
print(agent.size < 2 * 1024 * 1024, flush=True)
pause("end")
""")
        subject.listener.reading.clear()
        subject.reach("begin")
        subject.go()
        self.assertEqual(subject.child.stdout.readline(), b"True\n")
        subject.at = None
        subject.reach("end")
        subject.listener.reading.set()
        subject.told(lambda process: len(process.pools) == 3000, "all pools in the end")
        subject.finish()
        subject.clean()

    def test_exit_is_not_held_up(self):
        subject = Subject(self, "pause('a')\npools = [redis.ConnectionPool(port=PORT) for _ in range(2000)]\n")
        subject.listener.reading.clear()
        subject.reach("a")
        subject.finish()

    def test_hard_exit(self):
        subject = Subject(self, self.LEASE + "os._exit(3)\n")
        subject.reach("held")
        subject.lease("here")
        subject.finish(3)
        process = subject.listener.only()
        until(lambda: process.over, "the end of the stream")
        self.assertEqual(process.bye["unclosed"], [[1, 1]])

    def test_signals_to_itself(self):
        for send in ("signal.raise_signal(signal.SIGTERM)", "os.kill(os.getpid(), signal.SIGTERM)"):
            subject = Subject(self, self.LEASE + "import signal\n%s\n" % send)
            subject.reach("held")
            subject.finish(-signal.SIGTERM)
            process = subject.listener.only()
            until(lambda: process.over, "the end of the stream")
            self.assertEqual(process.bye["unclosed"], [[1, 1]])

    def test_signals_to_itself_that_are_handled(self):
        subject = Subject(self, self.LEASE + """
import signal
signal.signal(signal.SIGTERM, lambda *_: None)
signal.raise_signal(signal.SIGTERM)
os.kill(os.getpid(), signal.SIGTERM)
pool.release(conn)
pause("handled")
""")
        subject.reach("held")
        subject.lease("here")
        subject.reach("handled")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        subject.clean()

    def test_killed(self):
        subject = Subject(self, self.LEASE)
        subject.reach("held")
        subject.child.send_signal(signal.SIGTERM)
        self.assertEqual(subject.child.wait(10), -signal.SIGTERM)

    def test_no_argument_leaves_the_process(self):
        secret = "s3cret-word"
        subject = Subject(self, """
secret = "%s"
client = Client(port=PORT)
client.set("key-" + secret, secret)
try:
    client.execute_command("AUTH", "user-" + secret, secret)
except redis.RedisError:
    pass
try:
    client.execute_command(secret.upper() + " " + secret, "x")
except redis.RedisError:
    pass
from_url = Client.from_url("redis://user:" + secret + "@localhost:%%d/0" %% PORT) if "%s" == "redis" else client
try:
    from_url.get("key")
except redis.RedisError:
    pass
pool = client.connection_pool
conn = pool.get_connection("_", secret)
conn.send_command("GET", "key-" + secret)
other = pool.get_connection("_")
other.send_packed_command([b"PING " + secret.encode() + b"\\r\\n"])
conn.read_response()
pause("held")
""" % (secret, LIBRARY))
        subject.reach("held")
        subject.told(lambda process: len(process.out) >= 2, "two leases")
        subject.finish()
        process = subject.listener.only()
        self.assertNotIn(secret.encode(), process.raw)
        self.assertNotIn(secret.upper().encode(), process.raw)
        self.assertIn(b'"cmd":"GET"', process.raw)


class Wrapped(unittest.TestCase):
    def test_methods_look_as_before(self):
        text = """
import inspect, json, re
found = {}
def look(module, names):
    for kind, method in names:
        f = getattr(getattr(module, kind), method)
        found[module.__name__ + kind + method] = [
            re.sub(" at 0x[0-9a-f]+", "", str(inspect.signature(f))), f.__name__, f.__qualname__, f.__doc__, f.__module__,
            asyncio.iscoroutinefunction(f),
        ]
names = [(k, m) for k in ("ConnectionPool", "BlockingConnectionPool")
         for m in ("__init__", "get_connection", "release", "make_connection", "disconnect")]
names += [("Connection", m) for m in ("send_packed_command", "read_response", "disconnect", "pack_commands")]
names += [(k, "_connect") for k in ("Connection", "SSLConnection", "UnixDomainSocketConnection")]
import importlib
look(redis.connection, names)
look(importlib.import_module(redis.__name__ + ".asyncio.connection"), names)
print(json.dumps([found, sys.path, sorted(m for m in sys.modules if "pooltop" in m or "custom" in m)]))
"""
        subject = Subject(self, text)
        wrapped, path, modules = json.loads(subject.finish()[0])
        env = dict(os.environ, SUBJECT_PORT="1")
        env.pop("PYTHONPATH", None)
        plain = subprocess.run([sys.executable, subject.path], env=env, stdout=subprocess.PIPE, check=True)
        methods, plain_path, plain_modules = json.loads(plain.stdout)
        for name, told in methods.items():
            if name.endswith("get_connection"):
                told[5] = wrapped[name][5]  # a decorator of redis-py's own hides it in 5.3
            self.assertEqual(wrapped[name], told, name)
        self.assertEqual(path, plain_path)
        self.assertEqual(modules, plain_modules + ["redis_pooltop_agent"] if plain_modules else ["redis_pooltop_agent"])


if __name__ == "__main__":
    unittest.main()
