"""The end of a process: a last snapshot tells what is out, however young, and who may still give it back."""

import importlib.util
import sys
import unittest

from support import LIBRARY, PRELUDE, Subject, until


class Exit(unittest.TestCase):
    def ends(self, subject):
        """Lets it end; of what is out then, by the line that took it, whether it may come back."""
        subject.finish()
        process = subject.listener.only()
        until(lambda: process.over, "the end of the stream")
        self.assertIsNotNone(process.bye)
        self.assertEqual((process.last["errors"], process.last["error"]), (0, None))
        told = {}
        for line in process.lines:
            # A pool that was collected first has told of its own.
            for entry in line.get("pools", ()):
                for lease in entry["out"]:
                    if "alive" in lease:
                        told[process.frame(lease)[1]] = lease["alive"]
        marks = {number: line.partition("# ")[2] for number, line in enumerate(subject.text.splitlines(), 1)}
        return {marks[line]: alive for line, alive in told.items()}

    def test_taken_a_moment_ago(self):
        subject = Subject(self, """
pool = redis.ConnectionPool(port=PORT)
conn = pool.get_connection("_")  # here
""")
        self.assertEqual(self.ends(subject), {"here": False})

    def test_taken_long_ago(self):
        subject = Subject(self, """
pool = redis.ConnectionPool(port=PORT)
conn = pool.get_connection("_")  # here
back = pool.get_connection("_")
pause("held")
pool.release(back)
""")
        subject.reach("held")
        subject.told(lambda process: len(process.out) == 2, "two leases")
        self.assertEqual(self.ends(subject), {"here": False})

    def test_put_away_by_hand(self):
        # As kombu does; by anybody else, from a pool that goes on, and has a connection less to lend from then on; and from
        # one that has nothing else.
        subject = Subject(self, """
away = redis.ConnectionPool(port=PORT)
conn = away.get_connection("_")  # away
exec("conn.disconnect()", {"__name__": "kombu.transport.redis", "conn": conn})
pool = redis.ConnectionPool(port=PORT)
slot = pool.get_connection("_")  # slot
pool.release(pool.get_connection("_"))
slot.disconnect()
alone = redis.ConnectionPool(port=PORT)
only = alone.get_connection("_")  # only
only.disconnect()
""")
        self.assertEqual(self.ends(subject), {"slot": False, "only": False})

    def test_closed_with_its_pool(self):
        subject = Subject(self, """
async def main(pool):
    conn = await pool.get_connection("_")  # here
    await pool.disconnect()
asyncio.run(main(aredis.ConnectionPool(port=PORT)))
pool = redis.ConnectionPool(port=PORT)
conn = pool.get_connection("_")  # there
pool.disconnect()
""")
        subject.finish()
        process = subject.listener.only()
        until(lambda: process.over, "the end of the stream")
        self.assertEqual({why for _, _, why in process.closed}, {"pool-closed"})
        self.assertEqual(sorted(process.frame(lease)[1] for lease in process.out.values()), [subject.line("here"), subject.line("there")])

    def test_with_its_pool(self):
        # Collected together, in whatever order: what was out is told before the pool is.
        subject = Subject(self, """
class Node:
    pass
def leak():
    client = Client(port=PORT)
    node = Node()
    node.itself, node.pool = node, client.connection_pool
    node.conn = node.pool.get_connection("_")  # here
leak()
gc.collect()
pause("collected")
""")
        subject.reach("collected")
        process = subject.told(lambda process: process.gone and process, "a pool that is gone")
        self.assertEqual(process.gone[1]["open"], 0)
        lease = subject.lease("here", how="raw", alive=False)
        self.assertEqual([conn for conn, _, _ in process.closed], [lease["conn"]])
        subject.finish()
        subject.clean()

    def test_threads(self):
        # The one that ended and one that runs have the same name, and often the same identity.
        subject = Subject(self, """
import _thread
client = Client(port=PORT)
pool = client.connection_pool
kept = []
def leak():
    kept.append(pool.get_connection("_"))  # ended
def wait():
    client.blpop("list", 0)  # runs
def bare():
    client.blpop("list", 0)  # bare
thread = threading.Thread(target=leak, name="worker")
thread.start()
thread.join()
threading.Thread(target=wait, name="worker", daemon=True).start()
_thread.start_new_thread(bare, ())
while client.info("clients")["blocked_clients"] < 2:
    pass
""")
        self.assertEqual(self.ends(subject), {"ended": False, "runs": True, "bare": True})

    def test_tasks(self):
        subject = Subject(self, """
kept = []
async def leak(pool):
    kept.append(await pool.get_connection("_"))  # done
async def hold(pool):
    kept.append(await pool.get_connection("_"))  # pending
    await asyncio.get_running_loop().create_future()
async def main(pool):
    await asyncio.ensure_future(leak(pool))
    task = asyncio.ensure_future(hold(pool))
    kept.append(task)
    while len(kept) < 3:
        await asyncio.sleep(0)
pool = aredis.ConnectionPool(port=PORT)
loop = asyncio.new_event_loop()
loop.run_until_complete(main(pool))
""")
        self.assertEqual(self.ends(subject), {"done": False, "pending": True})

    def test_tasks_that_the_loop_cancelled(self):
        subject = Subject(self, """
kept = []
async def hold(pool):
    kept.append(await pool.get_connection("_"))  # cancelled
    await asyncio.get_running_loop().create_future()
async def main():
    pool = aredis.ConnectionPool(port=PORT)
    kept.append(asyncio.ensure_future(hold(pool)))
    while len(kept) < 2:
        await asyncio.sleep(0)
asyncio.run(main())
""")
        self.assertEqual(self.ends(subject), {"cancelled": False})

    @unittest.skipUnless(importlib.util.find_spec("gevent"), "gevent is not in this environment")
    def test_greenlets(self):
        subject = Subject(self, """
client = Client(port=PORT)
pool = client.connection_pool
kept = []
def leak():
    kept.append(pool.get_connection("_"))  # ended
def wait():
    client.blpop("list", 0)  # runs
def thread():
    client.blpop("list", 0)  # thread
gevent.spawn(leak).join()
gevent.spawn(wait)
threading.Thread(target=thread, daemon=True).start()
while client.info("clients")["blocked_clients"] < 2:
    pass
conn = pool.get_connection("_")  # main
""", prelude="import gevent.monkey\ngevent.monkey.patch_all()\n" + PRELUDE)
        self.assertEqual(self.ends(subject), {"ended": False, "runs": True, "thread": True, "main": False})

    def test_all_of_many(self):
        subject = Subject(self, """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
pools = [redis.ConnectionPool(port=PORT, client_name="x" * 60) for _ in range(900)]
kept = [pool.get_connection("_") for pool in pools for _ in range(2)]
""")
        subject.finish()
        process = subject.listener.only()
        until(lambda: process.over, "the end of the stream")
        self.assertIsNotNone(process.bye)
        self.assertEqual([lease["alive"] for lease in process.out.values()], [False] * 1800)
        self.assertEqual(len(process.bye["unclosed"]), 900)

    def test_children_of_multiprocessing(self):
        for method, late in (("spawn", False), ("fork", False), ("fork", True)):
            with self.subTest(method=method, late=late):
                subject = Subject(self, """
def work(port):
    import %s
    pool = %s.ConnectionPool(port=port)
    global conn
    conn = pool.get_connection("_")
if __name__ == "__main__":
    multiprocessing.set_start_method("%s")
    child = multiprocessing.Process(target=work, args=(PORT,))
    child.start()
    child.join()
""" % (LIBRARY, LIBRARY, method), prelude="import multiprocessing, os\nPORT = int(os.environ['SUBJECT_PORT'])\n" + (
                    "" if late else "import %s\n" % LIBRARY))
                subject.finish()
                until(lambda: all(process.over for process in subject.listener.processes), "their ends")
                said = {
                    process.hello["pid"]: [process.bye is not None, [lease["alive"] for lease in process.out.values()]]
                    for process in subject.listener.processes
                }
                said.pop(subject.child.pid, None)
                self.assertEqual(list(said.values()), [[True, [False]]])

    @unittest.skipUnless(
        sys.version_info >= (3, 11) and importlib.util.find_spec("_xxsubinterpreters"),
        "interpreters inside this one cannot be made",
    )
    def test_interpreters_inside(self):
        # An older one cannot be ended while it has a thread: there is none of ours in it. A newer one ends as it would.
        subject = Subject(self, """
import _xxsubinterpreters as interpreters
for _ in range(5):
    inner = interpreters.create(isolated=False)
    interpreters.run_string(inner, "import %s")
    interpreters.destroy(inner)
print("ended")
""" % LIBRARY)
        self.assertEqual(subject.finish()[0], "ended\n")

    def test_born(self):
        subject = Subject(self, """
pool = redis.ConnectionPool(port=PORT)
pause("begun")
pid = os.fork()
if pid == 0:
    os.read(0, 1)
    os._exit(0)
os.waitpid(pid, 0)
pause("ended")
""")
        subject.reach("begun")
        subject.told(lambda process: process.pools, "the pool")
        first = subject.listener.only().hello
        subject.listener.hang_up()
        subject.listener.processes.clear()
        subject.listener.listen()
        subject.told(lambda process: process.pools, "the pool again")
        again = subject.listener.only().hello
        self.assertEqual((again["pid"], again["born"]), (first["pid"], first["born"]))
        self.assertLess(first["born"], first["now"])
        subject.go()

        def child(process):
            return process.hello if process.hello and process.hello["forked"] else None

        forked = subject.told(child, "the child's hello")
        self.assertGreater(forked["born"], first["born"])
        subject.go()
        subject.reach("ended")
        subject.finish()


if __name__ == "__main__":
    unittest.main()
