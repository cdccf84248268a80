"""Holds agent-protocol.md and the agent to each other: the same messages, fields and kinds of values."""

import json
import os
import re
import unittest

from support import ASSETS, Subject, until

DOCUMENT = os.path.join(ASSETS, "agent-protocol.md")

# One program that makes the agent say everything it can.
EVERYTHING = """
pool = redis.ConnectionPool(port=PORT, max_connections=4)
client = Client(connection_pool=pool)
def request():
    Client(port=PORT).get("key")
request()
gc.collect()
conn = pool.get_connection("_")
conn.send_command("GET", "key")
pool.release(conn)
for name in ("first", "second"):
    taken = pool.get_connection("_")
pubsub = client.pubsub()
pubsub.subscribe("channel")
more = []
try:
    for _ in range(9):
        more.append(pool.get_connection("_"))
except redis.ConnectionError:
    pass
pause("held")
pid = os.fork()
if pid == 0:
    taken.send_command("PING")
    pool.get_connection("_")
    os.read(0, 1)
    os._exit(0)
os.waitpid(pid, 0)
pubsub.close()
pool.release(taken)
pause("back")
"""


def shape(value):
    """What of a message must be the same in the document and in the stream."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return type(value).__name__


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(DOCUMENT, encoding="utf-8") as document:
            cls.text = document.read()
        cls.examples = {}
        for block in re.findall(r"^```json\n(.*?)\n```$", cls.text, re.M | re.S):
            for line in block.splitlines():
                message = json.loads(line)
                cls.examples.setdefault(message["t"], message)
                if message["t"] == "snap":
                    cls.last_snap = message

    def messages(self):
        subject = Subject(self, EVERYTHING)
        subject.reach("held")
        subject.told(lambda process: len(process.out) >= 3, "leases")
        subject.go()

        def child():
            forked = [process for process in subject.listener.processes if process.hello and process.hello["forked"]]
            return forked and forked[0].shared and forked[0].out

        until(child, "what the child shares and holds")
        subject.go()
        subject.reach("back")
        first = subject.listener.processes[0]
        until(lambda: first.closed and first.gone, "what came back")
        subject.finish()
        return [message for process in subject.listener.processes for message in process.lines]

    def test_examples_are_what_is_said(self):
        said = {}
        lists = {}
        messages = self.messages()
        for message in messages:
            said.setdefault(message["t"], []).append(message)
            if message["t"] == "snap":
                for entry in message["pools"]:
                    for name, value in entry.items():
                        if isinstance(value, list):
                            lists.setdefault(name, []).extend(value)
        self.assertEqual(set(said), set(self.examples))
        for kind, example in self.examples.items():
            for message in said[kind]:
                self.assertEqual(set(message), set(example), kind)
        entry = self.examples["snap"]["pools"][0]
        pools = [pool for snap in said["snap"] for pool in snap["pools"]]
        for pool in pools:
            self.assertEqual(set(pool), set(entry))
            self.assertEqual(set(pool["totals"]), set(entry["totals"]))
        ends = [number for number, message in enumerate(messages) if message["t"] == "bye"]
        last = [lease for end in ends for entry in messages[end - 1]["pools"] for lease in entry["out"]]
        self.assertTrue(last, "nothing was out at the end")
        for lease in last:
            self.assertEqual(set(lease), set(self.last_snap["pools"][0]["out"][0]))
            lists["out"].remove(lease)
        for name in ("out", "failed", "unread", "shared"):
            self.assertTrue(lists[name], "nothing was said in " + name)
            for told in lists[name]:
                self.assertEqual(set(told), set(entry[name][0]), name)
        for name in ("wait", "held", "create", "opened", "closed", "back"):
            self.assertTrue(lists[name], "nothing was said in " + name)
            for told in lists[name]:
                self.assertEqual(len(told), len(entry[name][0]), name)

    def test_every_field_is_explained(self):
        def names(value):
            if isinstance(value, dict):
                for name, inner in value.items():
                    yield name
                    yield from names(inner)
            elif isinstance(value, list):
                for inner in value:
                    yield from names(inner)

        for kind, example in list(self.examples.items()) + [("snap", self.last_snap)]:
            self.assertIn("\n## %s\n" % kind, self.text)
            for name in set(names(example)) - {"t", "name", "version", "pool", "open", "unclosed"}:
                self.assertIn("`%s`" % name, self.text, "%s of %s" % (name, kind))

    def test_lines_are_short_and_plain(self):
        subject = Subject(self, """
pools = [redis.ConnectionPool(port=PORT, client_name="\\udc80\\u00e9" * 40) for _ in range(4)]
def \u540d\u524d(depth):
    return \u540d\u524d(depth - 1) if depth else redis.ConnectionPool(port=PORT)
kept = \u540d\u524d(500)
pause("made")
""")
        subject.reach("made")
        process = subject.told(lambda process: len(process.pools) >= 5 and process, "the pools")
        stack = process.stacks[process.pools[5]["stack"]]
        self.assertEqual(stack["frames"][0][2], "\u540d\u524d")
        self.assertEqual(len(stack["frames"]), 64)
        self.assertGreater(stack["cut"], 400)
        subject.finish()
        for line in process.raw.splitlines():
            self.assertLess(len(line), 1 << 20)
            line.decode("ascii")
        self.assertNotRegex(process.raw.decode(), r"\\ud[89a-f]")


if __name__ == "__main__":
    unittest.main()
