"""Who holds a connection: every way to take one is told with its file, line, function and manner."""

import importlib.util
import unittest

from support import LIBRARY, PRELUDE, Subject


class Sync(unittest.TestCase):
    def test_raw(self):
        subject = Subject(self, """
pool = redis.ConnectionPool(port=PORT)
def leak():
    return pool.get_connection("_")  # here
conn = leak()
pause("held")
pool.release(conn)
pause("back")
""")
        subject.reach("held")
        lease = subject.lease("here", how="raw", thread="MainThread", task=None, owed=0, abandoned=None)
        process = subject.listener.only()
        self.assertEqual([frame[2] for frame in process.stacks[lease["stack"]]["frames"]], ["leak", "<module>"])
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        process = subject.clean()
        self.assertEqual(process.bye["unclosed"], [[1, 1]])
        self.assertEqual(process.entries[1]["in_use"], 0)
        self.assertEqual(process.entries[1]["available"], 1)

    def test_unsubscribed_without_reading_the_answer(self):
        subject = Subject(self, """
client = Client(port=PORT)
pubsub = client.pubsub()
pubsub.subscribe("one", "two")  # here
pubsub.unsubscribe("one")
pause("half")
pubsub.unsubscribe("two")
pause("unread")
""")
        subject.reach("half")
        subject.lease("here", how="pubsub", pinned="SUBSCRIBE")
        subject.reach("unread")
        subject.lease("here", how="pubsub", pinned=None, abandoned=None)
        subject.finish()
        subject.clean()

    def test_a_setting_is_its_classs_own_where_none_was_given(self):
        subject = Subject(self, """
import inspect
plain = redis.ConnectionPool(port=PORT)
given = redis.ConnectionPool(port=PORT, socket_timeout=7)
none = redis.ConnectionPool(port=PORT, socket_timeout=None)
found = [inspect.signature(base.__init__).parameters.get("socket_timeout") for base in redis.Connection.__mro__]
print(next(it.default for it in found if it is not None), flush=True)
pools = [pool for pool in (plain, given, none) if pool.get_connection("_")]
pause("held")
""")
        own = subject.child.stdout.readline().decode().strip()
        subject.reach("held")
        subject.told(lambda process: len(process.pools) == 3, "the pools")
        told = [pool["socket_timeout"] for _, pool in sorted(subject.listener.only().pools.items())]
        expected = None if own == "None" else int(float(own) * 1_000_000_000)
        self.assertEqual(told, [expected, 7_000_000_000, None])
        subject.finish()
        subject.clean()

    def test_raw_dropped(self):
        subject = Subject(self, """
pool = redis.ConnectionPool(port=PORT)
kept = pool.get_connection("_")  # kept
def work():
    conn = pool.get_connection("_")  # here
    raise ValueError
try:
    work()
except ValueError:
    pass
pause("held")
""")
        subject.reach("held")
        subject.abandoned("here")
        subject.lease("kept", abandoned=None)
        subject.finish()
        subject.clean()

    def test_pubsub(self):
        subject = Subject(self, """
client = Client(port=PORT)
pubsub = client.pubsub()
pubsub.subscribe("channel")  # here
pause("held")
pubsub.unsubscribe("channel")
while pubsub.subscribed:
    pubsub.get_message(timeout=1)
pause("idle")
pubsub.close()
pause("back")
""")
        subject.reach("held")
        subject.lease("here", how="pubsub", pinned="SUBSCRIBE", cmd="SUBSCRIBE", owed=None, abandoned=None)
        subject.reach("idle")
        subject.lease("here", how="pubsub", pinned=None, abandoned=None)
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        self.assertEqual(subject.clean().unread, [])

    def test_watch(self):
        subject = Subject(self, """
client = Client(port=PORT)
pipeline = client.pipeline()
pipeline.watch("key")  # here
pause("held")
pipeline.multi()
pipeline.set("key", "secret-value")
pause("multi")
pipeline.execute()
pause("back")
""")
        subject.reach("held")
        subject.lease("here", how="pipeline", pinned="WATCH", cmd="WATCH", owed=0, abandoned=None)
        subject.reach("multi")
        subject.lease("here")
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        self.assertEqual(subject.clean().unread, [])

    def test_single_connection_client(self):
        subject = Subject(self, """
client = Client(port=PORT, single_connection_client=True)  # here
client.get("key")
pause("held")
client.close()
pause("back")
""")
        subject.reach("held")
        subject.lease("here", how="single", abandoned=None)
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        subject.clean()

    def test_monitor(self):
        subject = Subject(self, """
client = Client(port=PORT)
with client.monitor() as monitor:  # here
    client.get("key")
    monitor.next_command()
    pause("held")
pause("back")
""")
        subject.reach("held")
        subject.lease("here", how="monitor", owed=None)
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        self.assertEqual(subject.clean().unread, [])

    def test_lock_and_command(self):
        subject = Subject(self, """
client = Client(port=PORT)
first = client.lock("name")
first.acquire()
second = client.lock("name", blocking_timeout=5)
def blpop():
    client.blpop("list", timeout=60)  # command
thread = threading.Thread(target=blpop, name="worker", daemon=True)
thread.start()
pause("held")
os._exit(0)
""")
        subject.reach("held")
        lease = subject.lease("command", how="command", cmd="BLPOP", thread="worker", owed=1, cmds=1)
        self.assertIsNotNone(lease["busy"])
        subject.finish()

    def test_blocking_pool(self):
        subject = Subject(self, """
pool = redis.BlockingConnectionPool(port=PORT, max_connections=2, timeout=0.3)
held = [pool.get_connection("_") for _ in range(2)]  # here
def wait():
    try:
        pool.get_connection("_")  # waits
    except redis.ConnectionError:
        pass
wait()
pool.timeout = 60
waiter = threading.Thread(target=lambda: pool.release(pool.get_connection("_")), daemon=True)
waiter.start()
pause("held")
pool.release(held.pop())
waiter.join()
pause("waited")
""")
        subject.reach("held")
        subject.lease("here", how="raw")
        process = subject.told(lambda process: process.failed and process, "the wait that timed out")
        failure = process.failed[0]
        self.assertEqual(failure["end"], "timed-out")
        self.assertEqual(process.frame(failure)[1:], [subject.line("waits"), "wait"])
        self.assertGreater(failure["waited"], 250_000_000)
        subject.told(lambda process: process.now("waiting") == 1, "one that waits")
        subject.reach("waited")
        subject.told(lambda process: process.total("waited") == 1 and process.now("waiting") == 0, "that it got one")
        subject.finish()
        process = subject.clean()
        self.assertEqual(process.pools[1]["kind"], "blocking")
        self.assertEqual(process.pools[1]["max"], 2)

    def test_refused(self):
        subject = Subject(self, """
pool = redis.ConnectionPool(port=PORT, max_connections=1)
held = pool.get_connection("_")
def more():
    for _ in range(40):
        try:
            pool.get_connection("_")  # here
        except redis.ConnectionError:
            pass
more()
pause("refused")
""")
        subject.reach("refused")
        process = subject.told(lambda process: process.total("refused") == 40 and process, "forty refusals")
        self.assertLessEqual(len(process.failed), 32)
        self.assertEqual(process.failed[0]["end"], "refused")
        self.assertEqual(process.frame(process.failed[0])[1:], [subject.line("here"), "more"])
        self.assertGreater(process.last["dropped"], 0)
        subject.finish()

    def test_nobody_listens_there(self):
        subject = Subject(self, """
client = Client(port=1)
try:
    client.get("key")
except redis.ConnectionError:
    pass
pause("failed")
""")
        subject.reach("failed")
        process = subject.told(lambda process: process.total("failed") and process, "the failure")
        self.assertGreaterEqual(process.total("open_failures"), 1)
        self.assertEqual(process.now("opening"), 0)
        self.assertEqual(process.failed[0]["end"], "failed")
        subject.finish()
        subject.clean()

    def test_client_per_request(self):
        subject = Subject(self, """
def request():
    client = Client(port=PORT)  # here
    client.get("key")
for _ in range(10):
    request()
gc.collect()
pause("done")
""")
        subject.reach("done")
        process = subject.told(lambda process: len(process.gone) == 10 and process, "ten pools that are gone")
        frames = {tuple(process.frame(pool)[1:]) for pool in process.pools.values()}
        self.assertEqual(frames, {(subject.line("here"), "request")})
        self.assertEqual(process.total("opened"), 10)
        self.assertEqual(process.total("closed"), 10)
        subject.finish()
        subject.clean()

    def test_heir(self):
        subject = Subject(self, """
class Pool(redis.ConnectionPool):
    def get_connection(self, *args, **kwargs):
        return super().get_connection(*args, **kwargs)
    def release(self, connection):
        super().release(connection)
pool = Pool(port=PORT)
conn = pool.get_connection("_")  # here
pause("held")
pool.release(conn)
pause("back")
""")
        subject.reach("held")
        subject.lease("here", how="raw")
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        process = subject.clean()
        self.assertEqual(process.pools[1]["class"], "__main__.Pool")
        self.assertEqual((process.total("checkouts"), process.total("released")), (1, 1))

    def test_disconnected_while_out(self):
        subject = Subject(self, """
pool = redis.ConnectionPool(port=PORT)
conn = pool.get_connection("_")  # here
pause("held")
conn.disconnect()
conn.send_command("PING")
conn.read_response()
pause("again")
""")
        subject.reach("held")
        subject.lease("here")
        subject.reach("again")
        subject.told(lambda process: process.total("opened") == 2 and process.total("closed") == 1, "its second socket")
        subject.told(lambda process: process.now("opening") == 0, "that it is open")
        subject.finish()
        subject.clean()

    @unittest.skipUnless(importlib.util.find_spec("gevent"), "gevent is not in this environment")
    def test_gevent(self):
        subject = Subject(self, """
client = Client(port=PORT)
def blpop():
    client.blpop("list", 60)  # bare
def thread():
    client.blpop("list", 60)  # thread
gevent.spawn(blpop)
threading.Thread(target=thread, name="worker", daemon=True).start()
while client.info("clients")["blocked_clients"] < 2:
    pass
pause("held")
""", prelude="import gevent.monkey\ngevent.monkey.patch_all()\n" + PRELUDE)
        subject.reach("held")
        # The agent's thread tells of it although the program is inside a call that gevent cannot interrupt.
        subject.lease("thread", how="command", cmd="BLPOP", thread="worker", owed=1)
        self.assertRegex(subject.lease("bare", how="command", cmd="BLPOP")["thread"], r"^thread \d+$|^Dummy")
        subject.finish()
        subject.clean()


class Asynchronous(unittest.TestCase):
    def test_raw(self):
        subject = Subject(self, """
async def leak(pool):
    return await pool.get_connection("_")  # here
async def main():
    pool = aredis.ConnectionPool(port=PORT)
    conn = await asyncio.ensure_future(leak(pool))
    await apause("held")
    await pool.release(conn)
    await apause("back")
    await pool.disconnect()
asyncio.run(main())
""")
        subject.reach("held")
        lease = subject.lease("here", how="raw", thread="MainThread", owed=0, abandoned=None)
        self.assertRegex(lease["task"], r"^Task-\d+$")
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        process = subject.clean()
        self.assertEqual(process.bye["unclosed"], [])
        self.assertTrue(process.pools[1]["async"])

    @unittest.skipUnless(importlib.util.find_spec("uvloop"), "uvloop is not in this environment")
    def test_uvloop(self):
        subject = Subject(self, """
import uvloop
async def leak(pool):
    return await pool.get_connection("_")  # here
async def main():
    pool = aredis.ConnectionPool(port=PORT)
    conn = await asyncio.ensure_future(leak(pool))
    await apause("held")
    await pool.release(conn)
    await apause("back")
    await pool.disconnect()
uvloop.run(main())
""")
        subject.reach("held")
        lease = subject.lease("here", how="raw", thread="MainThread", owed=0, abandoned=None)
        self.assertRegex(lease["task"], r"^Task-\d+$")
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        subject.clean()

    def test_raw_dropped(self):
        subject = Subject(self, """
async def work(pool):
    conn = await pool.get_connection("_")  # here
    await conn.send_command("PING")
    await conn.read_response()
    raise ValueError
async def main():
    pool = aredis.ConnectionPool(port=PORT)
    kept = await pool.get_connection("_")  # kept
    await asyncio.gather(work(pool), return_exceptions=True)
    gc.collect()
    await apause("held")
asyncio.run(main())
""")
        subject.reach("held")
        subject.lease("here")
        if not subject.listener.only().libraries[LIBRARY].startswith("4.5."):
            # Its asyncio connections cannot be referenced weakly, so that nobody can tell who still holds one.
            subject.abandoned("here")
        subject.lease("kept", abandoned=None)
        subject.finish()
        subject.clean()

    def test_pubsub_dropped(self):
        subject = Subject(self, """
async def listen(client):
    pubsub = client.pubsub()
    await pubsub.subscribe("channel")  # here
    await apause("held")
async def main():
    client = AClient(port=PORT)
    await listen(client)
    gc.collect()
    await apause("dropped")
asyncio.run(main())
""")
        subject.reach("held")
        subject.lease("here", how="pubsub", pinned="SUBSCRIBE", abandoned=None)
        subject.reach("dropped")
        subject.abandoned("here")
        subject.finish()
        subject.clean()

    def test_watch_dropped(self):
        subject = Subject(self, """
async def watch(client):
    pipeline = client.pipeline()
    await pipeline.watch("key")  # here
async def main():
    client = AClient(port=PORT)
    await watch(client)
    gc.collect()
    await apause("dropped")
asyncio.run(main())
""")
        subject.reach("dropped")
        subject.abandoned("here")
        subject.finish()
        subject.clean()

    def test_single_connection_client(self):
        subject = Subject(self, """
async def main():
    client = AClient(port=PORT, single_connection_client=True)
    await client.get("key")  # here
    await apause("held")
    await client.close()
    await apause("back")
asyncio.run(main())
""")
        subject.reach("held")
        subject.lease("here", how="single", abandoned=None)
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        subject.clean()

    def test_blocking_pool(self):
        subject = Subject(self, """
async def wait(pool):
    try:
        await pool.get_connection("_")  # waits
    except redis.ConnectionError:
        pass
async def main():
    pool = aredis.BlockingConnectionPool(port=PORT, max_connections=1, timeout=0.3)
    conn = await pool.get_connection("_")  # here
    await wait(pool)
    pool.timeout = 60
    waiter = asyncio.ensure_future(wait(pool))
    await apause("held")
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    await apause("cancelled")
    await pool.release(conn)
    await apause("back")
asyncio.run(main())
""")
        subject.reach("held")
        subject.lease("here", how="raw")
        process = subject.told(lambda process: process.failed and process, "the wait that timed out")
        self.assertEqual(process.failed[0]["end"], "timed-out")
        self.assertEqual(process.frame(process.failed[0])[1:], [subject.line("waits"), "wait"])
        subject.told(lambda process: process.now("waiting") == 1, "one that waits")
        subject.reach("cancelled")
        subject.told(lambda process: process.total("cancelled") == 1 and process.now("waiting") == 0, "its end")
        subject.reach("back")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        subject.clean()

    def test_command(self):
        subject = Subject(self, """
async def blpop(client):
    await client.blpop("list", timeout=60)  # here
async def main():
    client = AClient(port=PORT)
    await asyncio.gather(*[client.get("key") for _ in range(50)])
    task = asyncio.ensure_future(blpop(client))
    await apause("held")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await apause("cancelled")
asyncio.run(main())
""")
        subject.reach("held")
        subject.lease("here", how="command", cmd="BLPOP", owed=1)
        subject.reach("cancelled")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        process = subject.clean()
        # Each is counted, also one that was asked for before its connection was lent to another task.
        self.assertEqual((process.total("checkouts"), process.total("released")), (51, 51))
        self.assertEqual(process.unread, [])


class Commands(unittest.TestCase):
    """Of a command only the call that sends it is noted: what stands behind it is found when it has to be told."""

    def test_far_down_a_stack(self):
        subject = Subject(self, """
client = Client(port=PORT)
def deeper(depth):
    return deeper(depth - 1) if depth else client.blpop("list", 60)  # here
client.get("key")
threading.Thread(target=deeper, args=(100,), name="digger", daemon=True).start()
pause("held")
client.rpush("list", 1)
pause("ended")
""")
        subject.reach("held")
        lease = subject.lease("here", how="command", cmd="BLPOP", owed=1, thread="digger", task=None)
        stack = subject.listener.only().stacks[lease["stack"]]
        self.assertEqual(len(stack["frames"]), 64)
        self.assertGreater(stack["cut"], 30)
        subject.reach("ended")
        subject.told(lambda process: not process.out, "that it came back")
        subject.finish()
        process = subject.clean()
        self.assertEqual((process.total("checkouts"), process.total("released")), (3, 3))

    def test_one_call_inside_another(self):
        subject = Subject(self, """
client = Client(port=PORT)
client.get("key")
inner = Client(port=PORT)
inner.get("key")
def meanwhile(response, **options):
    return inner.blpop("list", 60)  # inner
client.set_response_callback("GET", meanwhile)
def outer():
    client.get("key")  # outer
threading.Thread(target=outer, daemon=True).start()
pause("held")
""")
        subject.reach("held")
        subject.lease("inner", cmd="BLPOP")
        subject.lease("outer", cmd="GET")
        subject.finish()
        subject.clean()

    def test_over_without_giving_it_back(self):
        # As if a signal's exception had come just before the release.
        subject = Subject(self, """
client = Client(port=PORT)
client.get("key")
pool = client.connection_pool
def release(conn):
    raise KeyboardInterrupt
def interrupted():
    pool.release = release
    try:
        client.get("key")
    finally:
        del pool.release
def work():
    try:
        interrupted()
    except KeyboardInterrupt:
        pass
threading.Thread(target=work, name="worker").start()
pause("lost")
client.get("key")
pause("again")
""")
        subject.reach("lost")
        lease = subject.told(lambda process: list(process.out.values()), "the lease")[0]
        process = subject.listener.only()
        functions = [name for _, _, name in process.stacks[lease["stack"]]["frames"]]
        self.assertEqual(functions[0], "interrupted")
        subject.reach("again")
        subject.told(lambda process: process.total("released") == 2 and len(process.out) == 1, "the command after it")
        subject.finish()
        subject.clean()

    def test_through_generators_of_all_kinds(self):
        subject = Subject(self, """
import contextlib, types
async def blpop(client):
    await client.blpop("list", timeout=60)
async def from_generator(client):
    await blpop(client)  # generator
    yield
@contextlib.asynccontextmanager
async def from_context(client):
    await blpop(client)  # context
    yield
class Awaitable:
    def __init__(self, client):
        self.client = client
    def __await__(self):
        return (yield from blpop(self.client).__await__())
@types.coroutine
def old(client):
    yield from blpop(client)  # old
async def generator(client):
    async for _ in from_generator(client):
        pass
async def context(client):
    async with from_context(client):
        pass
async def awaitable(client):
    await Awaitable(client)  # awaitable
async def whole(one, client):
    await one(client)
async def main():
    client = AClient(port=PORT)
    await asyncio.gather(*[client.get("key") for _ in range(4)])
    tasks = [asyncio.ensure_future(whole(one, client)) for one in (generator, context, awaitable, old)]
    await apause("held")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await apause("cancelled")
asyncio.run(main())
""")
        subject.reach("held")

        wanted = {subject.line(mark) for mark in ("generator", "context", "awaitable", "old")}

        def by_line(process):
            """The leases by the line that only their stack has. The frame of an __await__ is seen on some ways only."""
            lines = lambda lease: {frame[1] for frame in process.stacks[lease["stack"]]["frames"]}
            found = {line: lease for lease in process.out.values() for line in lines(lease) & wanted}
            return set(found) == wanted and found

        leases = subject.told(by_line, "four")
        self.assertEqual(len({lease["task"] for lease in leases.values()}), 4)
        for lease in leases.values():
            frames = subject.listener.only().stacks[lease["stack"]]["frames"]
            self.assertEqual((frames[0][2], frames[-1][2]), ("blpop", "whole"))
        subject.reach("cancelled")
        subject.told(lambda process: not process.out, "that they came back")
        subject.finish()
        subject.clean()

    def test_through_what_cannot_be_looked_through(self):
        subject = Subject(self, """
class Opaque:
    def __init__(self, coroutine):
        self.coroutine = coroutine
    def __await__(self):
        return self
    __iter__ = __await__
    def __next__(self):
        return self.coroutine.send(None)  # here
    def send(self, value):
        return self.coroutine.send(value)
    def throw(self, *error):
        return self.coroutine.throw(*error)
    def close(self):
        self.coroutine.close()
async def blpop(client):
    await Opaque(client.blpop("list", timeout=60))
async def main():
    client = AClient(port=PORT)
    await client.get("key")
    for name in ("first", "second"):
        task = asyncio.ensure_future(blpop(client))
        await apause(name)
        await AClient(port=PORT).rpush("list", 1)
        await task
    await apause("ended")
asyncio.run(main())
""")
        subject.reach("first")
        lease = subject.told(lambda process: list(process.out.values()), "the lease, wherever it was taken")[0]
        self.assertEqual(lease["cmd"], "BLPOP")
        subject.reach("second")
        subject.lease("here", cmd="BLPOP")
        subject.reach("ended")
        subject.told(lambda process: not process.out, "that they came back")
        subject.finish()
        subject.clean()


if __name__ == "__main__":
    unittest.main()
