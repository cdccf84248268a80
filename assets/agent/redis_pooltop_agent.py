"""The agent of `redis-pooltop run`: tells what the redis-py and valkey-py pools of this process are doing.

It wraps the methods that lend and take back connections, keeps a table beside each pool (a connection out: since when,
which stack, which thread and task) and a thread that writes what changed to a unix socket ten times a second, as
agent-protocol.md says. It reads no replies and no arguments: of a command only its name leaves the process.

It must never be in the way of the application:

* what it does inside a wrapped call takes no lock, waits for nothing and raises nothing: dicts and deques whose single
  operations are atomic, and integers that may be off by one in a free-threaded build;
* stacks are kept as identities of code objects with offsets, connections, pools, tasks and owners only as weak
  references, so nothing lives longer than it would; the one frame that is kept is that of a command which is not over;
* the thread is the interpreter's own even where gevent replaced `threading`, its socket never blocks, and a listener
  that is slow or gone costs events (counted in `dropped`), not time;
* a fault of its own is counted and told (`errors`), never raised;
* whatever comes out of it (a signal handler's exception, the end of the stack or of memory), the library's own method is
  called: a `disconnect` that did not run would leave half a reply for the next command. And since our frames take their
  part of the stack, a connection that may not have been closed for want of it is closed before its next command (`torn`).

What is in here, in this order: the notes (`_Conn`, `_Pool`, `_Stack`); what a wrapped call does, and the wrappers of pools,
connections and cluster nodes; where they are put (`patch`); the thread that tells (`_Agent`), with what it finds out about
holders; the beginning and the end (`begin`, `_forked`, `start`).

By hand, where the start of the program cannot be wrapped:

    import redis_pooltop_agent
    redis_pooltop_agent.start("/path/of/the/socket")
"""

import _signal
import _socket
import atexit
import functools
import gc
import itertools
import json
import os
import re
import sys
import time
import types
import weakref
from _thread import get_native_id
from collections import deque

__all__ = ["start"]

VERSION = 1
LIBRARIES = ("redis", "valkey")
MODULES = (".connection", ".asyncio.connection", ".asyncio.cluster")
TICK = 0.1  # seconds between snapshots
HEARTBEAT = 1_000_000_000
RETOLD = 500_000_000  # a lease that only goes on working is told again this often
FRAMES = 64  # told of a stack
DEEP = range(40)  # walked at a checkout, the library's own frames among them
SHALLOW = range(14)  # where there are so many checkouts that deep walks would cost the application something
MANY = 100  # such a pool's checkouts between two snapshots
STACKS = 1024  # kept; beyond it they are forgotten and learnt anew
PENDING = 512 * 1024  # bytes in a snapshot above which the pools that are left wait for the next
EVENTS = 2048  # opened and closed connections kept between two snapshots of a pool
FAULTS = 32
FAREWELL = 2.0  # seconds the last words may take at a regular exit
STALLED = 0.2  # of those, how long nobody may take any of them
HANDSHAKE = 100_000_000  # how long one may take before a connection opened again counts as open
PROBE = 500_000_000  # how old a lease is when it is first looked at whether anybody still holds it
PROBES = 20  # of that in a snapshot
LEASES = 400  # leases and events in a line of a snapshot
BUCKETS = 260
FATAL = (1, 2, 3, 9, 15)  # signals with which a process may end itself
CO_COROUTINE = 0x80
CO_GENERATOR = 0x220  # of a generator, or an asynchronous one
SPENT = (RecursionError, MemoryError)  # with these nothing more may be called, `_fault` neither: `spent` is set
COMMAND = ("command", False)  # how a light lease is held, and that its `self` does not own it

_clock = time.monotonic_ns
_getframe = sys._getframe
_COMMAND = re.compile(rb"\*\d+\r\n\$(\d+)\r\n([A-Za-z][A-Za-z0-9._-]*)\r\n")


class _Stack(object):
    """A distinct stack: where a connection was taken, and what that says about how it is held."""

    __slots__ = ("id", "frames", "cut", "how", "owned", "raw", "plain", "counted", "codes", "other", "told")


class _Hot(object):
    """What each command writes of its connection, together in memory: with a thousand of them the cache is what counts."""

    __slots__ = (
        # the pool while the connection is plain, and the light lease if it is lent by one: see `_takes`
        "plain", "light",
        # commands: sent and answered, and the first bytes of the last
        "sent", "read", "head", "torn",
        "since", "uses", "odd", "thread", "task", "taker",
    )  # fmt: skip


class _Conn(_Hot):
    """What is known of one connection, for its whole life; the lease fields are overwritten by each checkout."""

    __slots__ = (
        # the connection
        "id", "ref", "alive", "pool", "open", "born", "began", "dialled", "local", "client", "create", "shaken", "foreign", "noted", "kombu",
        # commands (`vague`: replies can no longer be counted)
        "packed", "vague", "errors",
        # the lease
        "stack", "owner", "base", "back", "pinned",
        # the thread's own notes
        "before", "found", "told", "told_at", "seen_sent", "active", "busy", "gone", "probe_at",
    )  # fmt: skip

    def __init__(self, conn):
        self.id = _next_conn()
        try:
            self.ref = watched = _Ref(conn, _dead.append)
        except TypeError:
            # redis-py 4.5's asyncio connections cannot be referenced weakly: something that dies with them can.
            conn._redis_pooltop_alive = alive = _Alive()
            self.ref, self.alive = _nothing, _Ref(alive, _dead.append)
            watched = self.alive
        watched.of = self
        self.pool = self.plain = None
        self.open = False
        self.born = self.began = self.dialled = self.create = 0
        self.local = self.client = None
        self.foreign = self.noted = False
        # The one who closed it by hand: kombu.
        self.kombu = False
        self.sent = self.read = self.packed = self.shaken = 0
        self.head = None
        self.vague = self.odd = self.torn = False
        self.errors = 0
        self.uses = self.since = self.base = self.back = 0
        self.light = self.stack = self.thread = self.task = self.taker = self.owner = self.pinned = None
        self.before = self.told = 0
        self.found = None
        self.told_at = self.seen_sent = self.active = self.probe_at = 0
        self.busy = self.gone = None


class _Alive(object):
    pass


def _nothing():
    return None


class _Pool(object):
    """What is known of one pool."""

    __slots__ = (
        "id", "ref", "at", "stack", "facts", "inherited", "told", "said", "taker", "eager", "loop",
        "waits", "limit", "depth", "out", "inside", "opening", "sockets", "leases", "wait", "held", "create", "wait_told", "held_told",
        "create_told", "opened", "closed", "failed", "unread", "shared",
        "n_lent", "n_lent_told", "n_opened", "n_closed", "n_failures", "n_discarded", "n_waited", "n_timeouts", "n_cancelled",
        "n_refused", "n_failed", "n_commands", "n_errors", "n_unread",
    )  # fmt: skip

    def __init__(self):
        self.id = _next_pool()
        self.at = _clock()
        self.ref = self.stack = None
        self.taker = self.loop = None  # see `_takes`
        self.eager = False
        self.facts = {}
        self.inherited = False
        self.waits = True
        self.limit = 2**31
        self.depth = DEEP
        self.told = {}
        self.said = None
        self.clear()

    def clear(self):
        self.out = {}  # id -> connection, lent now
        self.inside = {}  # when asked -> of a call inside get_connection, whether it found all connections lent
        self.opening = {}  # id -> connection being opened
        self.sockets = {}  # id -> connection with an open socket
        self.leases = {}
        self.wait, self.held, self.create = [0] * BUCKETS, [0] * BUCKETS, [0] * BUCKETS
        self.wait_told, self.held_told, self.create_told = [0] * BUCKETS, [0] * BUCKETS, [0] * BUCKETS
        self.opened, self.closed = deque(), deque()
        self.failed, self.unread, self.shared = deque(), deque(), deque()
        self.n_lent = self.n_lent_told = self.n_opened = self.n_closed = self.n_failures = self.n_discarded = self.n_waited = 0
        self.n_timeouts = self.n_cancelled = self.n_refused = self.n_failed = self.n_commands = self.n_errors = 0
        self.n_unread = 0


class _Ref(weakref.ref):
    """A weak reference that knows whose it is. Its callback only appends to a deque: it may run anywhere."""

    __slots__ = ("of",)


# Counters that a signal's exception cannot end, as it would a generator.
_next_conn = itertools.count(1).__next__
_next_pool = itertools.count(1).__next__
_next_stack = itertools.count(1).__next__
_dead = deque()  # references of connections and pools that were collected
_pools = {}  # id -> _Pool
_nodes = {}  # identity of an asyncio cluster node -> _Pool
_by_task = {}  # (pool, identity of a task) -> the connection it took from such a node
_stacks = {}  # key -> _Stack
_threads = {}  # threading._active: thread by identity
_homes = ()  # the directories of the libraries
_agent = None
_identity = None
# Whether other threads stand still while a frame is looked at, so that a light lease may be noted by its frame.
_frames = getattr(sys, "_is_gil_enabled", lambda: True)()
_task_of = _running_loop = _all_tasks = None  # the running task is `_task_of(_running_loop())`: what asyncio.current_task does, without its frame
_loop = None  # asyncio's own frames begin with this code: nobody needs to be told of them


def _fault():
    """Whether what is being handled is an error of our own, which is then counted: where it happened, never about what.

    It is not where a signal's handler raised while our code ran (Celery's soft time limit does): that exception is the
    application's and has to go on.
    """
    kind, _, trace = sys.exc_info()
    if not issubclass(kind, Exception):
        return False
    line, path = 0, __file__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path == __file__:
            line = trace.tb_lineno
        trace = trace.tb_next
    if path != __file__:
        return False
    _agent.errors += 1
    _agent.error = "%s at line %d" % (kind.__name__, line)
    return True


# What a wrapped call does


def _where(frame, depth, manner=None):
    """The stack from this frame on: for one that was seen before a dict lookup, and a comparison by identity."""
    codes, places = [], []
    add_code, add_place = codes.append, places.append
    walk, loop = frame, _loop
    for _ in depth:
        code = walk.f_code
        if code is loop:
            break
        add_code(code)
        add_place(walk.f_lasti)
        walk = walk.f_back
        if walk is None:
            break
    stack = _stacks.get(tuple(places))
    if stack is None or stack.codes != codes:
        stack = _learn(frame, codes, tuple(places), manner)
    return stack


def _learn(frame, codes, places, manner=None):
    """A stack that is new: its lines are looked up here, once."""
    namesake = _stacks.get(places)
    stack = namesake
    while stack is not None:
        if stack.codes == codes:
            return stack
        stack = stack.other
    stack = _Stack()
    stack.id = _next_stack()
    stack.told = -1
    stack.cut = 0
    stack.codes = codes
    stack.how, stack.owned = manner or _manner(frame)
    stack.raw = stack.how == "raw"
    stack.plain = not stack.raw and not stack.owned
    stack.counted = stack.how not in ("pubsub", "monitor")
    stack.frames = frames = []
    head = True
    walk = frame
    while walk is not None and (walk.f_code is not _loop or not frames):
        code = walk.f_code
        if head and _library(code.co_filename):
            if stack.how == "command" and os.path.basename(code.co_filename) == "lock.py":
                stack.how = "lock"
        else:
            head = False
            if len(frames) < FRAMES:
                name = getattr(code, "co_qualname", code.co_name)
                frames.append((code.co_filename, walk.f_lineno or code.co_firstlineno, name))
            else:
                stack.cut += 1
        walk = walk.f_back
    if len(_stacks) >= STACKS:
        _stacks.clear()
        namesake = None
    stack.other = namesake
    _stacks[places] = stack
    return stack


def _library(path):
    if path == __file__:
        return True
    for home in _homes:
        if path.startswith(home):
            return True
    return False


def _manner(frame):
    """How the code that asks holds what it gets, and whether its `self` owns it from then on."""
    if not _library(frame.f_code.co_filename):
        return "raw", False
    owner = frame.f_locals.get("self")
    names = [kind.__name__ for kind in type(owner).__mro__]
    for name, how in (("PubSub", "pubsub"), ("Monitor", "monitor")):
        if name in names:
            return how, True
    if any(name.endswith("Pipeline") or name == "TransactionStrategy" for name in names):
        return "pipeline", True
    if frame.f_code.co_name in ("__init__", "initialize"):
        return "single", True
    return "command", False


def _thread_name():
    thread = _threads.get(_identity())
    return _identity() if thread is None else thread._name


def _taken(state, task=None):
    """Who takes it: by name, and by something small that is its alone, for names and identities come again."""
    thread = _threads.get(_identity())
    if thread is not None:
        state.thread, state.taker = thread._name, thread._started
    else:
        state.thread = state.taker = _identity()
    state.task = None
    if task is not None:
        state.task, state.taker = task.get_name(), weakref.ref(task)


def _current_task():
    try:
        return _task_of(_running_loop())
    except RuntimeError:
        return None


def _task_name():
    task = _current_task()
    return None if task is None else task.get_name()


def _conn(conn):
    """The connection's notes; made when it is first seen."""
    inner = getattr(conn, "_conn", None)  # a connection in front of another: the client-side cache
    if inner is None or not hasattr(inner, "send_packed_command"):
        inner = conn
    state = getattr(inner, "_redis_pooltop", None)
    if state is None:
        state = inner._redis_pooltop = _Conn(inner)
    if inner is not conn:
        conn._redis_pooltop = state
    return state


def _pool(pool, frame=None):
    """The pool's notes; made when it is first seen."""
    state = getattr(pool, "_redis_pooltop", None)
    if state is not None and state.ref() is pool:
        return state
    state = _Pool()
    state.ref = _Ref(pool, _dead.append)
    state.ref.of = state
    state.facts = _facts(pool)
    state.waits = state.facts["kind"] == "blocking"
    if state.facts["kind"] == "blocking":
        state.limit = state.facts["max"] or 2**31
    if frame is not None:
        state.stack = _where(frame, DEEP)
        if "/cluster.py" in "".join(code.co_filename for code in state.stack.codes[:8]):
            state.facts["kind"] = "cluster"
    pool._redis_pooltop = state
    _pools[state.id] = state
    return state


def _setting(told, kind, name):
    """What a pool's connections are given, or the default that their class has for it: 5 s of socket_timeout in 8.x."""
    if name in told:
        return told[name]
    for base in getattr(kind, "__mro__", ()):
        init = base.__dict__.get("__init__")
        while hasattr(init, "__wrapped__"):
            init = init.__wrapped__
        code = getattr(init, "__code__", None)
        if code is None:
            continue
        if name in (init.__kwdefaults__ or ()):
            return init.__kwdefaults__[name]
        names = code.co_varnames[: code.co_argcount]
        defaults = init.__defaults__ or ()
        if name in names:
            at = names.index(name) - len(names) + len(defaults)
            return defaults[at] if at >= 0 else None
    return None


def _facts(pool):
    kind = type(pool)
    names = [base.__name__ for base in kind.__mro__]
    told = getattr(pool, "connection_kwargs", None) or {}
    facts = {
        "class": "%s.%s" % (kind.__module__, kind.__qualname__),
        "async": any("asyncio" in base.__module__.split(".") for base in kind.__mro__),
        "target": _target(pool, told),
        "name": _text(told.get("client_name"), 64),
        "socket_timeout": _nanoseconds(_setting(told, getattr(pool, "connection_class", None), "socket_timeout")),
        "kind": "pool",
        "max": None,
        "blocking": None,
    }
    if "SentinelConnectionPool" in names:
        facts["kind"] = "sentinel"
    elif "BlockingConnectionPool" in names:
        facts["kind"] = "blocking"
    return _limits(pool, facts)


def _limits(pool, facts):
    most = pool.__dict__.get("max_connections")
    facts["max"] = most if isinstance(most, int) and 0 <= most < 2**31 else None
    if facts["kind"] == "blocking":
        facts["blocking"] = _nanoseconds(pool.__dict__.get("timeout"))
    return facts


def _target(pool, told):
    service = pool.__dict__.get("service_name")
    if service is not None:
        return "sentinel:%s" % _text(service, 128)
    path = told.get("path")
    place = _text(path, 256) if path else "%s:%s" % (_text(told.get("host", "localhost"), 256), told.get("port", 6379))
    return "%s/%s" % (place, _text(told.get("db", 0) or 0, 16))


def _nanoseconds(seconds):
    try:
        return int(seconds * 1_000_000_000)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value, most):
    """What may be written: never too long, and never half of a surrogate pair."""
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value)[:most].encode("utf-8", "replace").decode("utf-8")


def _bucket(nanoseconds):
    """Four buckets to a power of two."""
    nanoseconds |= 64
    bits = nanoseconds.bit_length()
    return (bits << 2) + ((nanoseconds >> (bits - 3)) & 3)


def _edge(bucket):
    bits, quarter = bucket >> 2, bucket & 3
    return ((5 + quarter) << (bits - 3)) - 1


def _keep(events, most, event):
    if len(events) >= most:
        _agent.dropped += 1
    else:
        events.append(event)


# A light lease is one by which the library's own code takes a connection for a single command and gives it back at the
# end of the same call. Most are, and most are over before anybody is told of them, so they are noted by as little as will
# do: `since`, `uses`, the thread and `light`, which is the frame of that call. As long as it is lent that call is not over,
# so that its stack and its task can still be found when the lease has to be told, by the thread that tells:
# `_Agent.locate`. Such a connection is `plain`: open, of a pool that does not wait, with no notes left from a lease of
# another kind.


def _takes(pool, frame, stack):
    """Remembers the library's code that takes connections for a command, if its frame will do to note a lease by."""
    code = frame.f_code
    if pool.waits or pool.eager or not _frames or stack.how != "command" or code.co_flags & CO_GENERATOR:
        return
    if "greenlet" in sys.modules and not pool.facts["async"]:
        return  # in a greenlet that waits there is nothing before a frame
    if "release" in code.co_names and "get_connection" in code.co_names:
        pool.taker = code


def _out(pool):
    """The connections of a pool that are lent now."""
    light = [conn for conn in list(pool.sockets.values()) if conn.light is not None]
    return light + list(pool.out.values())


def _lent(pool, conn, asked, stack, owner, task=None):
    """A connection was lent: everything that is written about it, in an order that a signal may cut anywhere."""
    state = conn._redis_pooltop
    if state is None or state.pool is not pool:
        state = _conn(conn)
        state.pool = pool
    if state.light is not None:
        _heavy(state)
    _taken(state, task)
    state.owner = owner
    if state.since >= asked and state.id in pool.out:
        # get_connection of an heir called its parent's, which has noted all but who really asked.
        state.stack = stack
        pool.inside.pop(asked, None)
        return state
    state.plain = None
    if pool.waits or not state.open:
        _waited(pool, state, conn, asked)
    else:
        # On a pool that never waits that is the time from which on it is lent, and one look at the clock less.
        state.since = asked
        pool.n_lent += 1
    state.stack = stack
    state.base = state.sent
    state.uses += 1
    if stack.raw:
        state.odd, state.pinned = True, None
    elif state.odd:
        state.odd = state.foreign
    if state.sent != state.read or state.foreign:
        _odd_checkout(pool, state)
    pool.out[state.id] = state
    return state


def _waited(pool, state, conn, asked):
    """How long the caller waited for it, without what was spent on opening it."""
    now = _clock()
    state.since = now
    waited = now - asked
    if not state.open:
        waited -= _opened(state, conn, now)
    if pool.inside.pop(asked, False):
        pool.n_waited += 1
    pool.wait[_bucket(max(waited, 0))] += 1


def _opened(state, conn, now, took=None):
    """The connection was opened since it was last looked at. How long that took."""
    if took is None:
        took = now - state.began if state.began else 0
    pool = state.pool
    state.create, state.began, state.dialled, state.born = took, 0, 0, now
    state.open = True
    state.shaken = state.sent
    state.local = _local(conn)
    state.client = _client(conn)
    pool.opening.pop(state.id, None)
    pool.sockets[state.id] = state
    pool.n_opened += 1
    pool.create[_bucket(took)] += 1
    _keep(pool.opened, EVENTS, (state.id, now, state.client, state.local, took))
    return took


def _local(conn):
    conn = conn.__dict__.get("_conn", conn)
    try:
        writer = conn.__dict__.get("_writer")
        if writer is not None:
            name = writer.get_extra_info("sockname")
        else:
            name = conn.__dict__["_sock"].getsockname()
        if isinstance(name, tuple):
            return ("[%s]:%d" if ":" in name[0] else "%s:%d") % name[:2]
    except Exception:
        pass
    return None


def _client(conn):
    try:
        said = getattr(conn, "handshake_metadata", None)
        number = said.get("id", said.get(b"id")) if said else None
        return number if isinstance(number, int) else None
    except Exception:
        return None


def _odd_checkout(pool, state):
    if state.foreign:
        _shared(state, state.since)
    owed = state.sent - state.read
    if owed > 0 and not state.vague and state.stack.counted:
        _unread(pool, state, state.since, "checkout", owed)


def _unread(pool, state, now, seen, owed):
    pool.n_unread += 1
    event = (now, state.id, seen, owed, _waiting_bytes(state), state.stack, state.thread, state.task)
    _keep(pool.unread, FAULTS, event)


def _waiting_bytes(state):
    """Bytes the server sent and nobody read; None where that cannot be known."""
    try:
        conn = state.ref()
        reader = conn.__dict__.get("_reader")
        if reader is not None:
            return len(reader._buffer)
        stream = conn.__dict__["_sock"]
        if hasattr(stream, "context"):
            return None  # what TLS has decrypted already is not the kernel's to count
        from fcntl import ioctl
        from termios import FIONREAD

        return int.from_bytes(ioctl(stream.fileno(), FIONREAD, b"\0\0\0\0"), sys.byteorder)
    except (AttributeError, KeyError, TypeError, ImportError, OSError, ValueError):
        return None


def _shared(state, now):
    if not state.noted:
        state.noted = True
        pool = state.pool
        if pool is not None:
            # Who uses it here, not who took it before the fork.
            try:
                task = _task_name()
            except (RuntimeError, TypeError):
                task = None  # no loop runs, or asyncio was never imported
            _keep(pool.shared, FAULTS, (now, state.id, _where(_getframe(1), DEEP), _thread_name(), task))


def _refused(owner, pool, asked, error, frame, stack, task):
    """A call of get_connection ended without a connection."""
    try:
        if pool is None:
            return
        if stack is None and frame is not None:
            stack = _where(frame, DEEP, COMMAND)
        pool.inside.pop(asked, None)
        said = error.args[0] if error.args else ""
        kind = type(error).__name__
        if kind == "CancelledError" or not isinstance(error, Exception):
            end = "cancelled"
            pool.n_cancelled += 1
        elif kind == "MaxConnectionsError" or said == "Too many connections":
            end = "refused"
            pool.n_refused += 1
        elif said == "No connection available.":
            end = "timed-out"
            pool.n_timeouts += 1
        else:
            end = "failed"
            pool.n_failed += 1
        now = _clock()
        waited = max(now - asked, 0)
        _keep(pool.failed, FAULTS, (now, end, waited, stack, _thread_name(), task, kind))
        _stranded(owner, pool, asked, error, stack)
    except BaseException:
        if not _fault():
            raise


def _stranded(pool_object, pool, asked, error, stack):
    """A signal's exception inside get_connection can leave a connection lent that nobody was given: it is a leak."""
    try:
        if stack is None or type(error).__module__.partition(".")[0] in LIBRARIES:
            return
        for conn in list(getattr(pool_object, "_in_use_connections", ())):
            state = conn._redis_pooltop
            if state is None or (state.id not in pool.out and state.light is None):
                _lent(pool, conn, asked, stack, None)
    except BaseException:
        if not _fault():
            raise


def _heavy(state):
    """Notes of a light lease what is noted of the others, by the one who holds it."""
    task = _current_task() if state.pool.facts["async"] else None
    _hold(state, _where(state.light, DEEP, COMMAND), task)
    _taken(state, task)


def _hold(state, stack, task):
    state.stack, state.plain = stack, None
    state.task = None if task is None else task.get_name()
    state.pool.out[state.id] = state
    state.light = None


def _back(pool, state, conn):
    """The connection is about to go back: who held it, if it was out."""
    if state.light is not None:
        _heavy(state)
    if pool.out.pop(state.id, None) is None:
        return None
    stack = state.stack
    state.back = now = _clock()
    pool.held[_bucket(now - state.since)] += 1
    if not state.open:
        _back_anew(pool, state, conn, now)
    if state.sent > state.read and not state.vague and stack.counted:
        _unread(pool, state, now, "release", state.sent - state.read)
    if state.open and not state.foreign and not pool.waits and state.sent == state.read:
        pool.n_commands += state.sent - state.shaken
        state.sent = state.read = state.base = state.shaken = 0
        state.owner = state.stack = state.pinned = None
        state.odd = False
        state.plain = pool
    return stack


def _back_anew(pool, state, conn, now):
    """It was closed while it was lent, and opened again or not."""
    if state.began and conn is not None:
        _opened(state, conn, now)
    else:
        pool.n_discarded += 1


def _not_back(owner, conn, state, pool, held):
    """The release raised: if the pool did not take the connection, it is still out."""
    try:
        shelf = getattr(owner, "_available_connections", None)
        if shelf is None:
            queue = owner.pool
            shelf = queue.queue if hasattr(queue, "queue") else queue._queue
        if not any([entry is conn for entry in list(shelf)]):
            state.plain = None
            state.stack = held if isinstance(held, _Stack) else _where(held, DEEP, COMMAND)
            _taken(state, _current_task() if pool.facts["async"] else None)
            pool.out[state.id] = state
    except BaseException:
        if not _fault():
            raise


def _without_arguments(original):
    """What is called where there are no arguments: not the decorator that looks for deprecated ones.

    It has nothing to find then, and takes longer about it than all of what we do.
    """
    inner = getattr(original, "__wrapped__", None)
    if inner is not None and original.__code__.co_filename.endswith(os.sep + "utils.py"):
        if _library(original.__code__.co_filename) and original.__code__.co_name in ("wrapper", "async_wrapper"):
            return inner
    return original


def _wrap_get(original):
    plainly = _without_arguments(original)

    @functools.wraps(original)
    def get_connection(self, *args, **kwargs):
        pool = stack = light = owner = frame = None
        asked = _clock()
        try:
            try:
                try:
                    pool = self._redis_pooltop or _pool(self)
                    frame = _getframe(1)
                    if frame.f_code is pool.taker:
                        light = frame
                    else:
                        if pool.waits:
                            pool.inside[asked] = len(pool.out) >= pool.limit
                        stack = _where(frame, pool.depth)
                        if stack.owned:
                            owner = _Ref(frame.f_locals["self"])
                        elif stack.plain:
                            _takes(pool, frame, stack)
                except BaseException:
                    if not _fault():
                        raise
            except SPENT:
                _agent.spent = True
            conn = original(self, *args, **kwargs) if args or kwargs else plainly(self)
        except BaseException as error:
            try:
                _refused(self, pool, asked, error, frame, stack, None)
            except SPENT:
                _agent.spent = True
            raise
        try:
            try:
                state = conn._redis_pooltop
                if light is not None and state is not None and state.plain is pool and state.light is None:
                    state.since = asked
                    state.thread = _identity()
                    state.uses += 1
                    pool.n_lent += 1
                    state.light = light
                    if state.sent != state.read:
                        _heavy(state)
                        _odd_checkout(pool, state)
                else:
                    _lent(pool, conn, asked, stack or _where(frame, DEEP, COMMAND), owner)
            except BaseException:
                if not _fault():
                    # A signal's exception, after the pool lent the connection and before the caller has it: give it back,
                    # as get_connection itself does, or nobody could.
                    self.release(conn)
                    raise
        except SPENT:
            _agent.spent = True
        return conn

    return get_connection


def _wrap_async_get(original):
    plainly = _without_arguments(original)

    @functools.wraps(original)
    async def get_connection(self, *args, **kwargs):
        pool = stack = light = owner = task = None
        asked = _clock()
        try:
            try:
                try:
                    pool = self._redis_pooltop or _pool(self)
                    frame = _getframe(1)
                    if frame.f_code is pool.taker:
                        light = frame
                    else:
                        if pool.waits:
                            while asked in pool.inside:
                                asked += 1
                            pool.inside[asked] = len(pool.out) >= pool.limit
                        stack = _where(frame, pool.depth)
                        task = _current_task()
                        if stack.owned:
                            owner = _Ref(frame.f_locals["self"])
                        elif task is not None and stack.plain:
                            pool.loop = _Ref(_running_loop())
                            _takes(pool, frame, stack)
                    frame = None  # not held over an await, but for one that waits for it anyway
                except BaseException:
                    if not _fault():
                        raise
            except SPENT:
                _agent.spent = True
            conn = await (original(self, *args, **kwargs) if args or kwargs else plainly(self))
        except BaseException as error:
            try:
                _refused(self, pool, asked, error, light, stack, _task_name())
            except SPENT:
                _agent.spent = True
            raise
        try:
            try:
                state = conn._redis_pooltop
                if light is not None and state is not None and state.plain is pool and state.light is None:
                    state.since = asked
                    state.uses += 1
                    pool.n_lent += 1
                    state.light = light
                    if state.sent != state.read:
                        _heavy(state)
                        _odd_checkout(pool, state)
                else:
                    _lent(pool, conn, asked, stack or _where(light, DEEP, COMMAND), owner, task or _current_task())
            except BaseException:
                if not _fault():
                    await self.release(conn)
                    raise
        except SPENT:
            _agent.spent = True
        return conn

    return get_connection


def _wrap_release(original):
    @functools.wraps(original)
    def release(self, connection, *args, **kwargs):
        held = None
        try:
            try:
                state = connection._redis_pooltop
                pool = state.plain
                if pool is not None and state.sent == state.read:
                    # `_back`, for a light lease of a connection that owes nothing.
                    held = state.light
                    if held is not None:
                        state.light = None
                        took = _clock() - state.since | 64
                        bits = took.bit_length()
                        pool.held[(bits << 2) + (took >> bits - 3 & 3)] += 1
                        pool.n_commands += state.sent
                        state.sent = state.read = 0
                else:
                    pool = state.pool
                    held = _back(pool, state, connection)
            except AttributeError:
                pass  # not a connection that was seen
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        except BaseException:
            # A signal's exception: without us it would not have come before the connection was back.
            original(self, connection, *args, **kwargs)
            raise
        try:
            return original(self, connection, *args, **kwargs) if args or kwargs else original(self, connection)
        except BaseException:
            try:
                if held is not None:
                    _not_back(self, connection, state, pool, held)
            except SPENT:
                _agent.spent = True
            raise

    return release


def _coroutine_function(function):
    """Says of a function that returns a coroutine what `async def` would say, as far as this Python lets it."""
    if sys.version_info >= (3, 12):
        sys.modules["inspect"].markcoroutinefunction(function)
    else:
        function._is_coroutine = sys.modules["asyncio"].coroutines._is_coroutine
    return function


def _wrap_async_release(original):
    async def fully(self, connection, args, kwargs):
        held = None
        try:
            try:
                state = connection._redis_pooltop
                pool = state.pool
                held = _back(pool, state, connection)
            except AttributeError:
                pass  # not a connection that was seen
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        except BaseException:
            # A signal's exception: without us it would not have come before the connection was back.
            await original(self, connection, *args, **kwargs)
            raise
        try:
            return await original(self, connection, *args, **kwargs)
        except BaseException:
            try:
                if held is not None:
                    _not_back(self, connection, state, pool, held)
            except SPENT:
                _agent.spent = True
            raise

    if not _library(original.__code__.co_filename):

        @functools.wraps(original)
        async def release(self, connection, *args, **kwargs):
            return await fully(self, connection, args, kwargs)

        return release
    # Where nothing can come between, what the library awaits is its own coroutine: one of ours around it would cost more
    # than all that is noted.
    guarded = "_lock" in original.__code__.co_names

    @functools.wraps(original)
    def release(self, connection, *args, **kwargs):
        try:
            try:
                state = connection._redis_pooltop
                pool = state.plain
                if pool is not None and state.sent == state.read and state.light is not None and not args and not kwargs:
                    if not guarded or not self._lock._locked and not self._lock._waiters:
                        state.light = None
                        took = _clock() - state.since | 64
                        bits = took.bit_length()
                        pool.held[(bits << 2) + (took >> bits - 3 & 3)] += 1
                        pool.n_commands += state.sent
                        state.sent = state.read = 0
                        return original(self, connection)
            except AttributeError:
                pass
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        return fully(self, connection, args, kwargs)

    return _coroutine_function(release)


# What is wrapped of a connection


def _wrap_make(original):
    @functools.wraps(original)
    def make_connection(self, *args, **kwargs):
        conn = original(self, *args, **kwargs)
        try:
            try:
                state = _conn(conn)
                if state.pool is None:
                    state.pool = _pool(self)
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        return conn

    return make_connection


def _wrap_pool_init(original):
    @functools.wraps(original)
    def __init__(self, *args, **kwargs):
        original(self, *args, **kwargs)
        try:
            try:
                _pool(self, _getframe(1))
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True

    return __init__


def _sent(state):
    """A connection that needs a closer look: several commands at once, taken by hand, or made in the parent process."""
    if state.packed:
        state.sent += state.packed - 1
        state.packed = 0
        if not state.stack or not state.stack.raw:
            state.odd = state.foreign
    if state.foreign:
        _shared(state, _clock())
    if state.stack is None or not state.stack.raw:
        return
    name = _name(state.head)
    if name in ("WATCH", "MULTI"):
        state.pinned = name
    elif name in ("UNWATCH", "EXEC", "DISCARD"):
        state.pinned = None
    elif name in ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR"):
        state.pinned = "SUBSCRIBE" if name != "MONITOR" else None
        state.vague = True


def _name(head):
    """The name of a packed command, if it looks like one."""
    if not head:
        return None
    found = _COMMAND.match(head)
    if found is None or int(found.group(1)) != len(found.group(2)):
        return None
    return found.group(2).decode("ascii").upper()


def _wrap_pack(original):
    @functools.wraps(original)
    def pack_commands(self, commands):
        try:
            if not isinstance(commands, (list, tuple)):
                commands = list(commands)
            state = self._redis_pooltop
            if state is not None:
                state.packed = len(commands)
                state.odd = True
        except TypeError:
            pass  # not commands: the library says so better
        except SPENT:
            _agent.spent = True
        return original(self, commands)

    return pack_commands


def _wrap_send(original):
    @functools.wraps(original)
    def send_packed_command(self, command, check_health=True):
        state = self._redis_pooltop
        if state is not None and state.torn:
            self.disconnect()
        original(self, command, check_health)
        try:
            try:
                if state is None:
                    state = self._redis_pooltop
                state.sent += 1
                state.head = command[0][:48]
                if state.odd:
                    _sent(state)
            except (AttributeError, TypeError, IndexError):
                pass
            except BaseException:
                if not _fault():
                    # A signal's exception between a command and its reply: the library closes the connection then.
                    self.disconnect()
                    raise
        except SPENT:
            _agent.spent = True

    return send_packed_command


def _wrap_async_send(original):
    @functools.wraps(original)
    async def send_packed_command(self, command, check_health=True):
        state = self._redis_pooltop
        if state is not None and state.torn:
            await self.disconnect()
        await original(self, command, check_health)
        try:
            try:
                if state is None:
                    state = self._redis_pooltop
                state.sent += 1
                state.head = command[0][:48]
                if state.odd:
                    _sent(state)
            except (AttributeError, TypeError, IndexError):
                pass
            except BaseException:
                if not _fault():
                    # A signal's exception between a command and its reply: the library closes the connection then.
                    await self.disconnect()
                    raise
        except SPENT:
            _agent.spent = True

    return send_packed_command


def _raised(conn, answer, error):
    """An error reply is a reply."""
    try:
        state = conn._redis_pooltop
        if state is not None and isinstance(error, answer):
            if state.pool is not None and not state.began:
                state.pool.n_errors += 1
            if state.read < state.sent:
                state.read += 1
    except BaseException:
        if not _fault():
            raise


def _read(conn, reply, kwargs):
    """One reply was read; where that is not certain, replies cannot be counted until the next connection."""
    state = conn._redis_pooltop
    if state is None:
        return
    if kwargs and (kwargs.get("push_request") or (reply is None and kwargs.get("timeout") is not None)):
        state.vague = True
    if state.read < state.sent:
        state.read += 1


def _wrap_read(original, answer):
    @functools.wraps(original)
    def read_response(self, *args, **kwargs):
        try:
            reply = original(self, *args, **kwargs) if args or kwargs else original(self)
        except SPENT:
            # The library closes it then, but further on in the stack than we are: it may not have come that far.
            state = self._redis_pooltop
            if state is not None and "disconnect_on_error" not in kwargs:
                state.torn = state.vague = True
            raise
        except BaseException as error:
            try:
                _raised(self, answer, error)
            except SPENT:
                _agent.spent = True
            raise
        try:
            try:
                if kwargs:
                    _read(self, reply, kwargs)
                else:
                    state = self._redis_pooltop
                    if state.read < state.sent:
                        state.read += 1
            except AttributeError:
                pass
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        return reply

    return read_response


def _wrap_async_read(original, answer):
    @functools.wraps(original)
    async def read_response(self, *args, **kwargs):
        try:
            reply = await (original(self, *args, **kwargs) if args or kwargs else original(self))
        except SPENT:
            # The library closes it then, but further on in the stack than we are: it may not have come that far.
            state = self._redis_pooltop
            if state is not None and "disconnect_on_error" not in kwargs:
                state.torn = state.vague = True
            raise
        except BaseException as error:
            try:
                _raised(self, answer, error)
            except SPENT:
                _agent.spent = True
            raise
        try:
            try:
                if kwargs:
                    _read(self, reply, kwargs)
                else:
                    state = self._redis_pooltop
                    if state.read < state.sent:
                        state.read += 1
            except AttributeError:
                pass
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        return reply

    return read_response


def _dial(conn):
    """A socket is about to be opened. None where that is known already: one _connect calls another."""
    state = _conn(conn)
    if state.began:
        return None
    state.torn = state.vague = False
    if state.open and not state.foreign:
        _closed(state, "broken")  # and we did not come to note it then
    state.began = _clock()
    if state.pool is not None:
        state.pool.opening[state.id] = state
    return state


def _undialled(state):
    if state is None:
        return
    state.began = state.dialled = 0
    pool = state.pool
    if pool is not None:
        pool.opening.pop(state.id, None)
        pool.n_failures += 1


def _wrap_connect(original):
    @functools.wraps(original)
    def _connect(self, *args, **kwargs):
        state = None
        try:
            try:
                state = _dial(self)
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        try:
            result = original(self, *args, **kwargs)
        except BaseException:
            try:
                _undialled(state)
            except SPENT:
                _agent.spent = True
            raise
        try:
            if state is not None:
                state.dialled = _clock()
        except SPENT:
            _agent.spent = True
        return result

    return _connect


def _wrap_async_connect(original):
    @functools.wraps(original)
    async def _connect(self, *args, **kwargs):
        state = None
        try:
            try:
                state = _dial(self)
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        try:
            result = await original(self, *args, **kwargs)
        except BaseException:
            try:
                _undialled(state)
            except SPENT:
                _agent.spent = True
            raise
        try:
            if state is not None:
                state.dialled = _clock()
        except SPENT:
            _agent.spent = True
        return result

    return _connect


def _hung_up(conn, frame, kwargs):
    state = conn._redis_pooltop
    if state is None:
        return
    state.read = state.sent
    state.packed = 0
    state.vague = False
    state.pinned = None
    pool = state.pool
    if state.began and not state.open:
        _undialled(state)
    elif state.open and (pool is None or state.foreign):
        state.open, state.plain = False, None
    elif state.open:
        reason = _reason(frame, kwargs)
        now = _closed(state, reason)
        state.kombu = reason == "asked" and str(frame.f_globals.get("__name__")).startswith("kombu.")
        if reason == "unread-reply":
            # get_connection found bytes that nobody asked for on a connection it was about to lend.
            pool.n_unread += 1
            stack = _where(frame.f_back or frame, DEEP)
            event = (now, state.id, "checkout", None, None, stack, _thread_name(), None)
            _keep(pool.unread, FAULTS, event)


def _closed(state, reason):
    """An open connection of a pool was closed; when."""
    state.open, state.plain = False, None
    now, pool = _clock(), state.pool
    if pool is not None:
        pool.sockets.pop(state.id, None)
        pool.n_closed += 1
        pool.n_commands += state.sent - state.shaken
        _keep(pool.closed, EVENTS, (state.id, now, reason))
    return now


def _reason(frame, kwargs):
    """Why a connection is closed, by who closes it and which error is being handled."""
    if frame is None:
        return "pool-closed"
    name = frame.f_code.co_name
    if name == "_ping_failed" or kwargs.get("health_check_failed"):
        return "unhealthy"
    if not _library(frame.f_code.co_filename):
        return "asked"
    if name in ("reset", "close", "aclose", "__exit__", "__aexit__", "release"):
        return "asked"
    if name in ("disconnect", "__del__", "<genexpr>", "<listcomp>"):
        return "pool-closed"
    error = kwargs.get("error") or sys.exc_info()[1]
    kind = type(error).__name__
    if error is None:
        return "asked"
    if error.args and error.args[0] == "Connection has data":
        return "unread-reply"
    if kind == "CancelledError" or not isinstance(error, Exception):
        return "cancelled"
    if "Timeout" in kind or kind == "timeout":
        return "timeout"
    if kind == "InvalidResponse":
        return "protocol"
    return "broken"


def _wrap_disconnect(original):
    @functools.wraps(original)
    def disconnect(self, *args, **kwargs):
        state = self._redis_pooltop
        if state is not None:
            state.torn = True
        try:
            try:
                _hung_up(self, _getframe(1), kwargs)
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
            if state is not None:
                state.vague = True
        finally:
            result = original(self, *args, **kwargs)
            if state is not None:
                state.torn = False
        return result

    return disconnect


def _gathered(frame):
    """Whether this is a task's own coroutine: so an asyncio pool closes all of its connections."""
    try:
        task = _current_task()
    except RuntimeError:
        return False
    return task is not None and getattr(task.get_coro(), "cr_frame", None) is frame


def _wrap_async_disconnect(original):
    @functools.wraps(original)
    async def disconnect(self, *args, **kwargs):
        state = self._redis_pooltop
        if state is not None:
            state.torn = True
        try:
            try:
                _hung_up(self, None if _gathered(_getframe()) else _getframe(1), kwargs)
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
            if state is not None:
                state.vague = True
        finally:
            result = await original(self, *args, **kwargs)
            if state is not None:
                state.torn = False
        return result

    return disconnect


# Nodes of an asyncio cluster client are pools of their own kind, with neither a dictionary nor weak references


def _node(node, frame=None):
    state = _nodes.get(id(node))
    if state is None:
        state = _Pool()
        state.ref = _nothing
        kind = type(node)
        told = getattr(node, "connection_kwargs", None) or {}
        most = node.max_connections
        state.facts = {
            "class": "%s.%s" % (kind.__module__, kind.__qualname__),
            "async": True,
            "target": "%s:%s/0" % (_text(node.host, 256), node.port),
            "name": _text(told.get("client_name"), 64),
            "socket_timeout": _nanoseconds(_setting(told, getattr(node, "connection_class", None), "socket_timeout")),
            "kind": "cluster",
            "max": most if isinstance(most, int) and 0 <= most < 2**31 else None,
            "blocking": None,
        }
        state.waits = False
        if frame is not None:
            state.stack = _where(frame, DEEP)
        _nodes[id(node)] = _pools[state.id] = state
    return state


def _wrap_node_acquire(original):
    @functools.wraps(original)
    def acquire_connection(self):
        pool = stack = owner = None
        asked = _clock()
        try:
            try:
                try:
                    frame = _getframe(1)
                    pool = _node(self, frame)
                    stack = _where(frame, pool.depth)
                    if stack.owned:
                        owner = _Ref(frame.f_locals["self"])
                    frame = None
                except BaseException:
                    if not _fault():
                        raise
            except SPENT:
                _agent.spent = True
            conn = original(self)
        except BaseException as error:
            try:
                _refused(self, pool, asked, error, None, stack, _task_name())
            except SPENT:
                _agent.spent = True
            raise
        try:
            try:
                task = _current_task()
                state = _conn(conn)
                state.pool = pool
                if not state.open:
                    # The node hands it out first and its command opens it: that is noted when it comes back.
                    state.since = asked
                state = _lent_by_node(pool, state, asked, stack, owner, task)
                _by_task[pool.id, id(task)] = state, state.uses
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        return conn

    return acquire_connection


def _lent_by_node(pool, state, asked, stack, owner, task):
    _taken(state, task)
    state.owner = owner
    state.since = asked
    pool.n_lent += 1
    state.stack = stack
    state.base = state.sent
    state.uses += 1
    state.odd = state.foreign or stack.raw
    if state.sent != state.read or state.foreign:
        _odd_checkout(pool, state)
    pool.out[state.id] = state
    return state


def _wrap_node_release(original):
    @functools.wraps(original)
    def release(self, connection, *args, **kwargs):
        try:
            try:
                pool = _node(self)
                _by_task.pop((pool.id, id(_current_task())), None)
                _back(pool, connection._redis_pooltop, connection)
            except AttributeError:
                pass
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True
        except BaseException:
            original(self, connection, *args, **kwargs)
            raise
        return original(self, connection, *args, **kwargs)

    return release


def _wrap_node_execute(original):
    """Where a node puts its connection back without a method of its own: at the end of the call that took it."""

    @functools.wraps(original)
    async def execute(self, *args, **kwargs):
        try:
            return await original(self, *args, **kwargs)
        finally:
            try:
                try:
                    pool = _node(self)
                    state, uses = _by_task.pop((pool.id, id(_current_task())), (None, 0))
                    if state is not None and state.uses == uses:
                        _back(pool, state, state.ref())
                except BaseException:
                    if not _fault():
                        raise
            except SPENT:
                _agent.spent = True

    return execute


def _wrap_node_del(original):
    @functools.wraps(original)
    def __del__(self, *args, **kwargs):
        try:
            state = _nodes.pop(id(self), None)
            if state is not None:
                _dead.append(_Buried(state))
        except Exception:
            pass
        original(self, *args, **kwargs)

    return __del__


class _Buried(object):
    __slots__ = ("of",)

    def __init__(self, state):
        self.of = state


def _patch_node(kind):
    _wrap(kind, "acquire_connection", _wrap_node_acquire)
    _wrap(kind, "release", _wrap_node_release)
    _wrap(kind, "execute_command", _wrap_node_execute, True)
    _wrap(kind, "execute_pipeline", _wrap_node_execute, True)
    _wrap(kind, "__del__", _wrap_node_del)


# Where the wrappers go


def patch(module):
    """Wraps what this module defines; called once it has been executed."""
    library, _, rest = module.__name__.partition(".")
    if library not in LIBRARIES:
        return
    _know(module, library)
    if rest == "connection":
        _patch_connections(module, _exceptions(library), False)
    elif rest == "asyncio.connection":
        global _task_of, _running_loop, _all_tasks, _loop
        from asyncio import all_tasks, current_task, events, tasks

        _all_tasks = all_tasks

        # In C since 3.12; before, it would cost a frame a command.
        _task_of = current_task if isinstance(current_task, type(len)) else tasks._current_tasks.get
        _running_loop = events._get_running_loop
        _loop = events.Handle._run.__code__
        _patch_connections(module, _exceptions(library), True)
    elif rest == "asyncio.cluster":
        _patch_node(module.ClusterNode)


def _know(module, library):
    global _homes
    home = os.path.dirname(os.path.abspath(sys.modules[library].__file__)) + os.sep
    if home not in _homes:
        _homes += (home,)
    _agent.libraries.setdefault(library, None)


def _exceptions(library):
    return sys.modules[library + ".exceptions"].ResponseError


def _patch_connections(module, answer, asynchronous):
    base = module.AbstractConnection if hasattr(module, "AbstractConnection") else module.Connection
    # The notes of a connection or a pool are an attribute of it: the fastest place, and they go when it goes.
    base._redis_pooltop = module.ConnectionPool._redis_pooltop = None
    if asynchronous:
        _wrap(base, "send_packed_command", _wrap_async_send, True)
        _wrap(base, "read_response", lambda original: _wrap_async_read(original, answer), True)
        _wrap(base, "disconnect", _wrap_async_disconnect, True)
    else:
        _wrap(base, "send_packed_command", _wrap_send)
        _wrap(base, "read_response", lambda original: _wrap_read(original, answer))
        _wrap(base, "disconnect", _wrap_disconnect)
    _wrap(base, "pack_commands", _wrap_pack)
    for kind in list(vars(module).values()):
        if not isinstance(kind, type) or kind.__module__ != module.__name__:
            continue
        if issubclass(kind, base) and kind is not base:
            _wrap(kind, "_connect", _wrap_async_connect if asynchronous else _wrap_connect, asynchronous)
    pools = module.ConnectionPool
    for kind in [pools] + _heirs(pools):
        _patch_pool(kind, asynchronous)
    _patch_heirs(pools, asynchronous)


def _patch_pool(kind, asynchronous):
    _wrap(kind, "get_connection", _wrap_async_get if asynchronous else _wrap_get, asynchronous)
    _wrap(kind, "release", _wrap_async_release if asynchronous else _wrap_release, asynchronous)
    _wrap(kind, "make_connection", _wrap_make)
    _wrap(kind, "__init__", _wrap_pool_init)


def _heirs(kind):
    found = []
    for heir in kind.__subclasses__():
        found.append(heir)
        found.extend(_heirs(heir))
    return found


def _patch_heirs(pools, asynchronous):
    """Pools that the application derives define methods of their own: they are wrapped when the class is made."""
    original = pools.__dict__.get("__init_subclass__")

    def __init_subclass__(cls, **kwargs):
        if original is None:
            super(pools, cls).__init_subclass__(**kwargs)
        else:
            original.__get__(None, cls)(**kwargs)
        try:
            try:
                _patch_pool(cls, asynchronous)
            except BaseException:
                if not _fault():
                    raise
        except SPENT:
            _agent.spent = True

    pools.__init_subclass__ = classmethod(__init_subclass__)


def _wrap(kind, name, wrapper, asynchronous=False):
    original = kind.__dict__.get(name)
    inmost = original
    while hasattr(inmost, "__wrapped__"):
        inmost = inmost.__wrapped__
    code = getattr(inmost, "__code__", None)
    if code is None or hasattr(original, "_redis_pooltop_wrapped"):
        return
    if bool(code.co_flags & CO_COROUTINE) is not asynchronous:
        return  # an heir's own idea of the method: let it be, what it calls is wrapped
    wrapped = wrapper(original)
    wrapped._redis_pooltop_wrapped = True
    setattr(kind, name, wrapped)


# The thread that tells


class _Agent(object):
    """Writes what changed to the socket. Only its thread (and, at the very end, the exit) touches what is in here."""

    def __init__(self, path, how, primitives):
        self.path = path
        self.how = how
        self.spawn, self.lock, self.sleep = primitives
        self.libraries = {}
        self.errors = self.dropped = 0
        self.error = None
        self.spent = False
        self.forked = False
        self.round = 0  # of a fork's child, too: the stacks it inherits are marked with what its parent told
        self.renew()

    def renew(self):
        """As in a process that has just begun: nothing is connected, nothing is told."""
        self.born = _clock()
        self.ended = False
        self.running = None
        self.socket = self.mark = None
        self.pending = []
        self.size = 0
        self.retry_at = self.retry_after = 0
        self.said_at = 0
        self.said = None
        self.told = {}
        self.dying = []
        self.native = None
        self.paused = self.forking = False
        self.wake = self.lock()
        self.wake.acquire()
        self.done = self.lock()
        self.done.acquire()

    def begin(self):
        self.spawn(self.run, (self.wake, self.done))

    def pause(self):
        """Ends the thread, and waits some milliseconds at most until it is really gone."""
        if self.native is None:
            return
        self.paused = True
        self.wake.release()
        self.over(0.02)
        self.native = None

    def over(self, patience):
        """Whether the thread ended what it did, and if the system tells it until the thread is really gone."""
        if not self.done.acquire(True, patience):
            return False
        deadline = time.monotonic() + 0.02
        while os.path.exists("/proc/self/task/%d" % self.native) and time.monotonic() < deadline:
            self.sleep(0.0001)
        return True

    def resume(self):
        if self.paused:
            self.paused = False
            self.wake, self.done = self.lock(), self.lock()
            self.wake.acquire()
            self.done.acquire()
            self.begin()

    def run(self, wake, done):
        self.native = get_native_id()
        pause = 0
        try:
            while not wake.acquire(True, pause):
                began = time.perf_counter()
                try:
                    self.tick()
                except Exception:
                    _fault()
                # The more there is to tell, the rarer it is told: a fiftieth of a core, but each second all the same.
                pause = TICK if self.pending else min(max(TICK, 50 * (time.perf_counter() - began)), 1.0)
        finally:
            done.release()

    def tick(self):
        if self.socket is None and not self.connect():
            self.forget()
            return
        if self.flush() and not self.pending:
            collecting = gc.isenabled()
            # A collection on this thread would run the application's finalizers here, outside their event loop.
            gc.disable()
            try:
                self.snapshot()
            finally:
                if collecting:
                    gc.enable()
            self.flush()

    # the socket

    def connect(self):
        now = _clock()
        if now < self.retry_at:
            return False
        try:
            stream = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
            try:
                stream.setblocking(False)
                stream.connect(self.path)
                mark = _mark(stream)
            except BaseException:
                stream.close()
                raise
        except OSError:
            self.retry_after = min(max(2 * self.retry_after, 100_000_000), 5_000_000_000)
            self.retry_at = now + self.retry_after
            return False
        self.socket, self.mark = stream, mark
        self.retry_after = 0
        self.announce()
        return True

    def announce(self):
        """The first line of a connection; all that was told before has to be told again."""
        self.pending, self.size = [], 0
        self.round += 1
        self.said, self.said_at = None, 0
        self.told.clear()
        for pool in list(_pools.values()):
            pool.told.clear()
            pool.said = None
            pool.opened.clear()
            for conn in list(pool.sockets.values()):
                pool.opened.append((conn.id, conn.born, conn.client, conn.local, conn.create))
            for conn in _out(pool):
                conn.told = 0
        for library in self.libraries:
            self.libraries[library] = None
        self.say(_hello(self))

    def say(self, message):
        line = json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"
        self.pending.append(line)
        self.size += len(line)

    def flush(self):
        """Whether the socket still stands. What it does not take now waits for the next tick."""
        try:
            while self.pending:
                data = b"".join(self.pending) if len(self.pending) > 1 else self.pending[0]
                self.pending = [data]
                if not self.owns():
                    self.hang_up()
                    return False
                taken = self.socket.send(data, getattr(_socket, "MSG_NOSIGNAL", 0))
                self.size -= taken
                self.pending = [data[taken:]] if taken < len(data) else []
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.hang_up()
            return False
        return True

    def owns(self):
        """Whether the number is still our socket's: a daemon closes all descriptors, and then opens its own."""
        try:
            return _mark(self.socket) == self.mark
        except OSError:
            return False

    def hang_up(self):
        self.let_go()
        self.pending, self.size = [], 0

    def let_go(self):
        """Closes the socket, or only forgets its number if that is somebody else's by now."""
        stream, owned = self.socket, self.owns()
        self.socket = None
        try:
            if owned:
                stream.close()
            else:
                stream.detach()
        except OSError:
            pass

    def forget(self):
        """Nobody listens: what was collected is dropped, what is still there will be told to the next listener."""
        self.bury()
        for pool in list(_pools.values()):
            for events in (pool.opened, pool.closed, pool.failed, pool.unread, pool.shared):
                if len(events) >= FAULTS:
                    self.dropped += len(events)
                    events.clear()

    # what is told

    def snapshot(self, running=None, deadline=0):
        """What changed; with who still runs, for the last one of all, every connection that is out: true if it was told."""
        now = _clock()
        if self.spent:
            self.spent = False
            self.errors += 1
            self.error = "RecursionError or MemoryError"
        self.probes = 0
        self.running = running
        self.bury()
        self.tell_libraries()
        entries = []
        for pool in list(_pools.values()):
            if running is not None and (self.size > PENDING or len(entries) >= LEASES):
                self.tell_entries(now, entries)
                entries = []
                if not self.drain(deadline):
                    return False
            elif self.size > PENDING:
                break
            if pool.id not in self.told:
                self.tell_pool(pool)
            entry = self.pool_entry(pool, now)
            if entry is not None:
                entries.append(entry)
        state = (self.errors, self.dropped)
        if entries or state != self.said or now - self.said_at >= HEARTBEAT:
            self.said, self.said_at = state, now
            self.tell_entries(now, entries)
        return True

    def tell_libraries(self):
        for library in list(self.libraries):
            version = getattr(sys.modules.get(library), "__version__", None)
            if version is not None and self.libraries[library] != version:
                self.libraries[library] = version
                self.say({"t": "lib", "name": library, "version": _text(version, 32)})

    def tell_pool(self, pool):
        self.told[pool.id] = pool
        found = pool.ref()
        if found is not None:
            _limits(found, pool.facts)
        message = {"t": "pool", "id": pool.id, "at": pool.at}
        message.update(pool.facts)
        message["inherited"] = pool.inherited
        message["stack"] = self.stack(pool.stack)
        self.say(message)

    def stack(self, stack):
        if stack is None:
            return None
        if stack.told != self.round:
            stack.told = self.round
            frames = [[_text(path, 512), line, _text(name, 128)] for path, line, name in stack.frames]
            self.say({"t": "stack", "id": stack.id, "frames": frames, "cut": stack.cut})
        return stack.id

    def tell_entries(self, now, entries):
        """In as many lines as keep each within its cap."""
        line, leases = [], 0
        for entry in entries:
            out = entry["out"]
            while len(out) > LEASES:
                self.snap(now, [dict(entry, out=out[:LEASES])])
                out = out[LEASES:]
                entry = dict(entry, out=out, wait=[], held=[], create=[], opened=[], closed=[], back=[], failed=[])
                entry.update(unread=[], shared=[])
            line.append(entry)
            leases += 4 + len(out)
            leases += sum([len(entry[name]) for name in ("opened", "closed", "back", "failed", "unread", "shared")])
            if leases > LEASES:
                self.snap(now, line)
                line, leases = [], 0
        if line or not entries:
            self.snap(now, line)

    def snap(self, now, entries):
        self.say(
            {"t": "snap", "now": now, "dropped": self.dropped, "errors": self.errors, "error": self.error, "pools": entries}
        )

    def pool_entry(self, pool, now):
        for conn in list(pool.opening.values()):
            if conn.dialled:
                self.reopened(conn, now)
        out = _out(pool)
        self.locate(pool, out)
        leases, lent, away = [], {}, 0
        for conn in out:
            uses = conn.uses
            if conn.before != uses and self.running is None:
                # Seen for the first time, and most of them for the last.
                conn.before, conn.seen_sent, conn.active = uses, conn.sent, now
                continue
            if self.put_away(conn, now):
                away += 1
                continue
            lease = self.lease(conn, now)
            if lease is not None:
                leases.append(lease)
            if conn.told == conn.uses:
                lent[conn.id] = conn.uses
        back = []
        for number, uses in pool.told.items():
            if lent.get(number) != uses:
                conn = pool.leases.pop(number, None)
                back.append([number, (conn.back if conn is not None else 0) or now])
        for conn in out:
            if conn.id in lent:
                pool.leases[conn.id] = conn
        pool.told = lent
        totals = {
            "opened": pool.n_opened,
            "closed": pool.n_closed,
            "open_failures": pool.n_failures,
            "checkouts": pool.n_lent + sum(pool.wait),
            "released": sum(pool.held),
            "discarded": pool.n_discarded,
            "waited": pool.n_waited,
            "timeouts": pool.n_timeouts,
            "cancelled": pool.n_cancelled,
            "refused": pool.n_refused,
            "failed": pool.n_failed,
            "commands": pool.n_commands + sum([conn.sent - conn.shaken for conn in list(pool.sockets.values())]),
            "error_replies": pool.n_errors,
            "unread_replies": pool.n_unread,
        }
        opening = len(pool.opening)
        idle = max(len(pool.sockets) - sum([conn.open for conn in out]), 0)
        waiting = sum(list(pool.inside.values()))
        limit = pool.facts["max"]
        in_use = len(out) - away
        said = (in_use, idle, opening, waiting, limit, tuple(totals.values()))
        if said == pool.said and not leases and not back and not pool.shared:
            pool.depth = DEEP
            return None
        pool.said = said
        lent, pool.n_lent_told = pool.n_lent - pool.n_lent_told, pool.n_lent
        wait = _since(pool.wait, pool.wait_told)
        if lent:
            wait.insert(0, [0, lent])
        pool.depth = SHALLOW if lent + sum([count for _, count in wait]) > MANY else DEEP
        return {
            "id": pool.id,
            "in_use": in_use,
            "available": idle,
            "opening": opening,
            "waiting": waiting,
            "max": limit,
            "totals": totals,
            "wait": wait,
            "held": _since(pool.held, pool.held_told),
            "create": _since(pool.create, pool.create_told),
            "opened": _drain(pool.opened, list),
            "closed": _drain(pool.closed, list),
            "out": leases,
            "back": back,
            "failed": _drain(pool.failed, self.failure),
            "unread": _drain(pool.unread, self.unanswered),
            "shared": _drain(pool.shared, self.common),
        }

    def reopened(self, conn, now):
        """Opened again while it was lent: its handshake is over when no reply is owed."""
        if now - conn.dialled > HANDSHAKE and conn.sent == conn.read:
            found = conn.ref()
            if found is not None:
                _opened(conn, found, now, conn.dialled - conn.began)

    def lease(self, conn, now):
        """One connection out: told when it was out at the snapshot before, and then when something changed."""
        uses, sent = conn.uses, conn.sent
        if conn.before != uses:
            conn.before, conn.seen_sent = uses, sent
            conn.active = conn.since if sent == conn.base else now
        fresh = conn.told != uses
        if fresh:
            conn.probe_at = conn.since + PROBE
            conn.gone = conn.busy = None
        owed = sent - conn.read
        if conn.light is None:
            stack, thread, taker, task = conn.stack, conn.thread, conn.taker, conn.task
        elif conn.found is not None and conn.found[0] == uses:
            _, stack, thread, taker, task = conn.found
        else:
            stack = None
        if stack is None:
            return None  # it came back meanwhile
        if sent != conn.seen_sent:
            conn.seen_sent, conn.active = sent, now
        unknown = conn.vague or not stack.counted
        if owed > 0 and not unknown:
            conn.busy = conn.busy or now
        else:
            conn.busy = None
        if conn.gone is None and self.abandoned(conn, now):
            conn.gone, fresh = now, True
        settled = now - conn.told_at < RETOLD or conn.active <= conn.told_at
        if not fresh and settled and self.running is None:
            return None
        conn.told, conn.told_at = uses, now
        conn.plain = None  # so that its release is noted in full: when it was
        lease = {
            "conn": conn.id,
            "since": conn.since,
            "stack": self.stack(stack),
            "thread": _thread_text(thread),
            "task": _text(task, 128),
            "how": stack.how,
            "cmd": _name(conn.head) if sent > conn.base else None,
            "cmds": sent - conn.base,
            "uses": uses,
            "active": conn.active,
            "busy": conn.busy,
            "owed": None if unknown else owed,
            "pinned": _pinned(conn),
            "abandoned": conn.gone,
        }
        if self.running is not None:
            lease["alive"] = conn.gone is None and _runs(taker, self.running)
        return lease

    def abandoned(self, conn, now):
        """Its owner was collected; or, where none is known, nobody but the library holds the connection any more."""
        if conn.owner is not None:
            return conn.owner() is None
        if now < conn.probe_at or self.probes >= PROBES:
            return False
        self.probes += 1
        conn.probe_at = now + min(max(now - conn.since, PROBE), 16 * PROBE)
        pool = conn.pool.ref()
        return pool is not None and _holders(conn) - _shelved(pool, conn) - _inside(pool, conn) <= 0

    def locate(self, pool, out):
        """Finds the holders of light leases that have to be told: (uses, stack, thread, taker, task)."""
        wanted = []
        for conn in out:
            light, uses = conn.light, conn.uses
            if light is not None and (conn.before == uses or self.running is not None):
                if conn.found is None or conn.found[0] != uses:
                    wanted.append((conn, light, uses))
        if not wanted:
            return
        calls = {id(light): (conn, uses) for conn, light, uses in wanted}
        if pool.facts["async"]:
            _in_tasks(pool, calls)
        elif "greenlet" not in sys.modules:
            for conn, light, uses in wanted:
                _found(conn, uses, light)
            calls.clear()
        if calls:
            # In coroutines that run now, and in threads whose greenlets that wait have nothing before them.
            _in_threads(pool, calls)
        for conn, light, uses in wanted:
            over = id(light) in calls or (not light.f_code.co_flags & CO_COROUTINE and _over(light))
            if over and conn.light is light and conn.uses == uses:
                # It ended without giving it back, as a signal's exception can make it; or something is between a task
                # and its call that cannot be looked through: then each call's stack is taken when it begins.
                pool.eager, pool.taker = pool.eager or id(light) in calls, None
                if conn.found is None or conn.found[0] != uses:
                    _found(conn, uses, _Link(light, None))
                _, conn.stack, conn.thread, conn.taker, conn.task = conn.found
                conn.plain = None
                pool.out[conn.id] = conn
                conn.light = None

    def put_away(self, conn, now):
        """Closed by kombu, as all of its pool was: it never gives back what it closes, and loses nothing by it."""
        if conn.open or not conn.kombu or conn.pool.sockets:
            return False
        if self.running is None and conn.gone is None and not self.abandoned(conn, now):
            return False
        conn.back = now
        return conn.pool.out.pop(conn.id, None) is not None

    def failure(self, event):
        at, end, waited, stack, thread, task, error = event
        return {
            "at": at,
            "end": end,
            "waited": waited,
            "stack": self.stack(stack),
            "thread": _thread_text(thread),
            "task": _text(task, 128),
            "error": _text(error, 128),
        }

    def unanswered(self, event):
        at, conn, seen, owed, unread, stack, thread, task = event
        return {
            "at": at,
            "conn": conn,
            "seen": seen,
            "owed": owed,
            "bytes": unread,
            "stack": self.stack(stack),
            "thread": _thread_text(thread),
            "task": _text(task, 128),
        }

    def common(self, event):
        at, conn, stack, thread, task = event
        return {
            "at": at,
            "conn": conn,
            "stack": self.stack(stack),
            "thread": _thread_text(thread),
            "task": _text(task, 128),
        }

    def bury(self):
        """Connections and pools that were collected since."""
        now = _clock()
        dying, self.dying = self.dying, []
        while _dead:
            state = _dead.popleft().of
            if isinstance(state, _Pool):
                if _pools.pop(state.id, None) is not None:
                    # Its holders may be given their last word just now, and give connections back.
                    self.dying.append((state, now))
            elif state.pool is not None and state.pool.ref() is not None:
                state.pool.opening.pop(state.id, None)
                if state.pool.out.pop(state.id, None) is not None or state.light is not None:
                    state.light = None
                    state.back = now
                self.bury_socket(state, now)
        if self.running is not None:
            dying += self.dying
        for pool, at in dying:
            self.tell_gone(pool, at)

    def bury_socket(self, state, now):
        if state.open and not state.foreign:
            pool = state.pool
            state.open = False
            pool.sockets.pop(state.id, None)
            pool.n_closed += 1
            pool.n_commands += state.sent - state.shaken
            _keep(pool.closed, EVENTS, (state.id, now, "pool-closed"))

    def tell_gone(self, pool, at):
        """With all that was out: nobody can give it back to a pool that is no more."""
        if pool.id not in self.told:
            if self.socket is None:
                return
            self.tell_pool(pool)
        for conn in list(pool.sockets.values()):
            if conn.ref() is None:
                self.bury_socket(conn, at)
        running, self.running = self.running, self.running or ()
        entry = self.pool_entry(pool, at)
        self.running = running
        if entry is not None:
            self.snap(_clock(), [entry])
        del self.told[pool.id]
        self.say({"t": "gone", "pool": pool.id, "at": at, "how": "collected", "open": len(pool.sockets)})

    def end(self):
        """At a regular exit: the last snapshot and a word, if the listener takes them at once."""
        if self.ended:
            return
        self.ended = True
        self.wake.release()
        # An interpreter inside another, as mod_wsgi has them, ends the whole process if a thread of its own is left.
        if not self.over(1.0):
            return
        deadline = time.monotonic() + FAREWELL
        if self.socket is None:
            self.retry_at = 0
            if not self.connect():
                return
        if self.snapshot(_running(), deadline):
            unclosed = [[pool.id, len(pool.sockets)] for pool in list(_pools.values()) if pool.sockets]
            self.say({"t": "bye", "now": _clock(), "unclosed": unclosed})
            self.drain(deadline)
        if self.socket is not None:
            self.hang_up()

    def drain(self, deadline):
        """Whether all of it was taken by then, by somebody who went on taking."""
        left, moved = self.size, time.monotonic()
        while self.flush() and self.pending:
            now = time.monotonic()
            if self.size < left:
                left, moved = self.size, now
            if now > min(deadline, moved + STALLED):
                return False
            self.sleep(0.002)
        return self.socket is not None


def _mark(stream):
    """What no other open file has."""
    said = os.fstat(stream.fileno())
    return said.st_dev, said.st_ino


def _running():
    """Who can still give back what it took, as `_taken` notes it: every thread but the main one, for that one is ending."""
    native = set(sys._current_frames())
    if not isinstance(_identity, type(len)):
        # gevent and eventlet replaced it: their greenlets are this process's threads.
        greenlet = sys.modules["greenlet"].greenlet
        native.update([id(one) for one in gc.get_objects() if isinstance(one, greenlet) and not one.dead])
    running = set(native)
    for identity, thread in list(_threads.items()):
        # One that was started from outside of `threading` stays in its table for ever.
        if thread.is_alive() and (identity in native or type(thread).__name__ != "_DummyThread"):
            running.add(thread._started)
    main = sys.modules["threading"].main_thread()
    return running - {main._started, main.ident}


def _runs(taker, running):
    """Whether it is a task that is not done, or a thread that runs."""
    if isinstance(taker, weakref.ref):
        task = taker()
        return task is not None and not task.done()
    return taker in running


def _holders(state):
    """How many references there are to a connection, ours aside."""
    conn = state.ref()
    return sys.getrefcount(conn) - _OURS if conn is not None else 1


# Where the holders of light leases are found


class _Link(object):
    """A frame of a coroutine that waits, which does not know what waits for it."""

    __slots__ = ("f_code", "f_lasti", "frame", "f_back")

    def __init__(self, frame, back):
        self.f_code, self.f_lasti, self.frame, self.f_back = frame.f_code, frame.f_lasti, frame, back

    @property
    def f_lineno(self):
        return self.frame.f_lineno


def _found(conn, uses, frame, task=None):
    stack = _where(frame, DEEP, COMMAND)
    thread = _threads.get(conn.thread) if task is None else None
    name, taker = (conn.thread, conn.thread) if thread is None else (thread._name, thread._started)
    if task is not None:
        conn.found = uses, stack, name, weakref.ref(task), task.get_name()
    else:
        conn.found = uses, stack, name, taker, None


def _in_tasks(pool, calls):
    """Looks through the tasks of a loop for these calls."""
    loop = pool.loop()
    if loop is None:
        return
    for task in _all_tasks(loop):
        link = None
        for frame in _awaiting(task.get_coro()):
            link = _Link(frame, link)
            if id(frame) in calls:
                conn, uses = calls.pop(id(frame))
                _found(conn, uses, link, task)
                break


def _awaiting(one):
    """The frames of what is awaited, from the task's own to the innermost."""
    for _ in range(1000):
        if isinstance(one, types.CoroutineType):
            frame, inner = one.cr_frame, one.cr_await
        elif isinstance(one, types.GeneratorType):
            frame, inner = one.gi_frame, one.gi_yieldfrom
        elif isinstance(one, types.AsyncGeneratorType):
            frame, inner = one.ag_frame, one.ag_await
        elif type(one).__name__ in ("async_generator_asend", "async_generator_athrow", "coroutine_wrapper", "anext_awaitable"):
            kinds = (types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)
            frame, inner = None, next((part for part in gc.get_referents(one) if isinstance(part, kinds)), None)
        else:
            return
        if frame is not None:
            yield frame
        one = inner


def _in_threads(pool, calls):
    for thread, frame in list(sys._current_frames().items()):
        walk = frame
        while walk is not None and calls:
            if id(walk) in calls:
                conn, uses = calls.pop(id(walk))
                task = None
                if pool.facts["async"] and pool.loop() is not None:
                    task = _task_of(pool.loop())
                _found(conn, uses, walk, task)
            walk = walk.f_back


def _over(frame):
    """Whether a function has returned; what was in it goes then. Not for coroutines: it would end one that waits."""
    try:
        frame.clear()
    except RuntimeError:
        return False
    return True


class _Known(object):
    """Something with one reference, to find out how many of those counted are ours on this Python."""

    def __init__(self):
        self.one = _Buried(None)

    def ref(self):
        return self.one


_OURS = 0
_OURS = _holders(_Known()) - 1


def _shelved(pool, state):
    """How many of them are the pool's own: its sets and lists of connections."""
    conn = state.ref()
    count = 0
    for value in list(vars(pool).values()):
        if type(value).__module__ in ("queue", "asyncio.queues"):
            containers = list(vars(value).values())
        else:
            containers = [value]
        for container in containers:
            if isinstance(container, (list, set, dict, deque)):
                count += sum([entry is conn for entry in gc.get_referents(container)])
    return count


def _inside(pool, state):
    """How many come from what the connection itself consists of: its parser's callbacks, for example."""
    conn = state.ref()
    count, seen, ahead = 0, {id(conn), id(pool), id(state)}, [conn]
    while ahead and len(seen) < 500:
        for entry in gc.get_referents(ahead.pop()):
            if entry is conn:
                count += 1
            elif id(entry) not in seen and _part(entry):
                seen.add(id(entry))
                ahead.append(entry)
    return count


def _part(entry):
    kind = type(entry)
    if kind in (dict, list, tuple, set, deque) or kind.__name__ in ("method", "cell", "partial"):
        return True
    return kind.__module__.split(".")[0] in LIBRARIES and not isinstance(entry, type) and not hasattr(kind, "get_connection")


def _since(counts, told):
    """The buckets that grew since they were told."""
    grown = []
    for bucket, count in enumerate(counts):
        if count != told[bucket]:
            grown.append([_edge(bucket), count - told[bucket]])
            told[bucket] = count
    return grown


def _drain(events, shape):
    return [shape(events.popleft()) for _ in range(len(events))]


def _thread_text(thread):
    return "thread %d" % thread if isinstance(thread, int) else _text(thread, 128)


def _subscribed(said, kind):
    """Whether a PubSub has more of these than it has unsubscribed from: the answer to that may never be read."""
    has, leaves = said.get(kind), said.get("pending_unsubscribe_" + kind)
    try:
        return len(has or ()) > len(leaves or ())
    except TypeError:
        return bool(has)


def _pinned(conn):
    """What keeps it from being lent to others; read from plain attributes: no code of the application runs here."""
    owner = conn.owner() if conn.owner is not None else None
    if owner is None:
        return conn.pinned
    said = getattr(owner, "__dict__", {})
    if conn.stack.how == "pubsub":
        return "SUBSCRIBE" if any(_subscribed(said, kind) for kind in ("channels", "patterns", "shard_channels")) else None
    if conn.stack.how == "pipeline":
        return "MULTI" if said.get("explicit_transaction") else "WATCH" if said.get("watching") else None
    return conn.pinned


def _hello(agent):
    return {
        "t": "hello",
        "v": VERSION,
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "born": agent.born,
        "now": _clock(),
        "wall_ms": int(time.time() * 1000),
        "program": _program(),
        "cwd": _text(_cwd(), 512),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "forked": agent.forked,
        "how": agent.how,
    }


def _program():
    """The script's or module's name, never its arguments."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    name = getattr(spec, "name", None)
    if name:
        return _text(name[: -len(".__main__")] if name.endswith(".__main__") else name, 128)
    first = sys.argv[0] if getattr(sys, "argv", None) else ""
    return _text(os.path.basename(first) or "python", 128)


def _cwd():
    try:
        return os.getcwd()
    except OSError:
        return ""


# The beginning and the end


def begin(primitives, path=None, how="hook"):
    """Starts the agent: from the hook, or from `start`."""
    global _agent, _identity, _threads
    if _guest():
        raise RuntimeError("an interpreter that cannot end with us in it")
    import threading

    _identity = threading.get_ident
    _threads = threading._active
    _agent = _Agent(path or os.environ["REDIS_POOLTOP_SOCKET"], how, primitives)
    _agent.begin()
    atexit.register(_end)
    for name in ("multiprocessing", "billiard"):
        # In a child of theirs that imports the library only now.
        process, util = sys.modules.get(name + ".process"), sys.modules.get(name + ".util")
        if process is None or util is None:
            continue
        if getattr(process.current_process(), "_parent_pid", None) is not None:
            _end_with(util, _agent)
        # A forkserver's child imports the program before it becomes a process in their eyes, and then begins anew.
        util.register_after_fork(_agent, functools.partial(_end_with, util))
    if sys.version_info >= (3, 12):
        os.register_at_fork(before=_forking, after_in_parent=_has_forked, after_in_child=_forked)
    else:
        os.register_at_fork(after_in_child=_forked)
    if sys.version_info >= (3, 13):
        os.fork, os.forkpty = _wrap_fork(os.fork), _wrap_fork(os.forkpty)
    os.kill, os._exit = _wrap_kill(os.kill), _wrap_exit(os._exit)
    raise_signal = _wrap_raise_signal(_signal.raise_signal)
    for module in (_signal, sys.modules.get("signal")):
        if module is not None:
            module.raise_signal = raise_signal


def _guest():
    """Whether this is an interpreter inside another that cannot be ended while it has a thread; mod_wsgi's can."""
    if sys.version_info >= (3, 12) or "mod_wsgi" in sys.modules:
        return False
    try:
        import _xxsubinterpreters as interpreters

        return interpreters.get_current() != interpreters.get_main()
    except (ImportError, AttributeError):
        return False


def _end():
    try:
        _agent.end()
    except Exception:
        pass


def _forking():
    """Since 3.12 a fork with more than one thread is warned of: ours is not there meanwhile."""
    try:
        _agent.pause()
    except Exception:
        _fault()


def _has_forked():
    try:
        if not _agent.forking:
            _agent.resume()
    except Exception:
        _fault()


def _wrap_fork(original):
    """Since 3.13 threads are counted after the last of the hooks: the thread comes back when fork has returned."""

    @functools.wraps(original)
    def fork():
        _agent.forking = True
        try:
            return original()
        finally:
            _agent.forking = False
            _has_forked()

    return fork


def _fatal(signal):
    """It is about to end itself by a signal, and nothing runs then: so does uvicorn when it was asked to end by one."""
    try:
        if signal in FATAL and _signal.getsignal(signal) == _signal.SIG_DFL:
            _agent.end()
    except Exception:
        _fault()


def _wrap_exit(original):
    """So do Celery's workers end."""

    @functools.wraps(original)
    def _exit(status):
        try:
            _end()
        finally:
            original(status)

    return _exit


def _wrap_kill(original):
    @functools.wraps(original)
    def kill(pid, signal, /):
        if pid == os.getpid():
            _fatal(signal)
        return original(pid, signal)

    return kill


def _wrap_raise_signal(original):
    @functools.wraps(original)
    def raise_signal(signalnum, /):
        _fatal(signalnum)
        return original(signalnum)

    return raise_signal


def _forked():
    """In a fork's child: another process with another thread, and pools whose connections are the parent's."""
    try:
        _agent.forked = True
        if _agent.socket is not None:
            _agent.let_go()
        _agent.renew()
        _agent.errors = _agent.dropped = 0
        _agent.error = None
        _dead.clear()
        for pool in list(_pools.values()):
            for conn in list(pool.sockets.values()) + list(pool.out.values()):
                conn.foreign = conn.odd = True
                conn.plain = conn.light = None
            pool.clear()
            pool.inherited = True
            pool.told, pool.said = {}, None
        _agent.begin()
        for name in ("multiprocessing.util", "billiard.util"):
            util = sys.modules.get(name)
            if util is not None:
                util.register_after_fork(_agent, functools.partial(_end_with, util))
    except Exception:
        _fault()


def _end_with(util, agent):
    """Children of multiprocessing end by os._exit, which runs no exit functions but its own."""
    util.Finalize(None, _end, exitpriority=-1000)


def start(path):
    """By hand: reports to the socket at this path. False where this Python is too old or it runs already."""
    if sys.version_info < (3, 8) or _agent is not None or _guest():
        return False
    import _thread

    primitives = (_thread.start_new_thread, _thread.allocate_lock, time.sleep)
    if "gevent" in sys.modules:
        from gevent.monkey import get_original

        primitives = (
            get_original("_thread", "start_new_thread"),
            get_original("_thread", "allocate_lock"),
            get_original("time", "sleep"),
        )
    begin(primitives, path, "import")
    for name in [library + part for library in LIBRARIES for part in MODULES]:
        if name in sys.modules:
            patch(sys.modules[name])
    _watch_imports()
    return True


def _watch_imports():
    """What is imported later is seen by the hook's finder, where the hook is beside this file."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sitecustomize.py")
    if os.path.exists(path):
        from importlib.machinery import SourceFileLoader

        hook = type(sys)("redis_pooltop_hook")
        hook.__file__ = path
        exec(SourceFileLoader(hook.__name__, path).get_code(hook.__name__), hook.__dict__)
        sys.modules.setdefault("redis_pooltop_agent", sys.modules.get(__name__))
        sys.meta_path.insert(0, hook._Finder(__file__))
