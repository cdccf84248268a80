"""What programs do wrong with connections, each in a function and with a pool of its own.

The line that is to be named ends in a mark, for the tests to find it.
"""

import os
import sys
import threading
import warnings

try:
    import redis
    from redis import Redis
except ImportError:
    import valkey as redis
    from valkey import Valkey as Redis

warnings.simplefilter("ignore", DeprecationWarning)
PORT = int(sys.argv[1])
forgotten = []


def client(name):
    return Redis(port=PORT, client_name=name)


def never_gives_back():
    pool = client("raw").connection_pool
    connection = pool.get_connection("_")  # raw
    connection.send_command("PING")
    connection.read_response()
    forgotten.append((pool, connection))


def fails_before_it_gives_back(pool):
    connection = pool.get_connection("_")  # raised
    connection.send_command("PING")
    connection.read_response()
    raise ValueError("what comes between")
    pool.release(connection)


def raises():
    pool = client("raised").connection_pool
    forgotten.append(pool)
    try:
        fails_before_it_gives_back(pool)
    except ValueError:
        pass


def watches_and_forgets():
    pipeline = client("watch").pipeline()
    pipeline.watch("key")  # watch
    forgotten.append(pipeline)


def subscribes_and_forgets():
    pubsub = client("pubsub").pubsub()
    pubsub.subscribe("news")  # pubsub
    pubsub.get_message(timeout=10)
    forgotten.append(pubsub)


def takes_in_a_thread():
    pool = client("thread").connection_pool
    forgotten.append((pool, pool.get_connection("_")))  # thread


def connects_for_each_request():
    for _ in range(40):
        Redis(port=PORT, client_name="request").ping()  # request


def forks_with_a_connection():
    shared = client("fork")
    shared.ping()
    pool = shared.connection_pool
    connection = pool.get_connection("_")
    child = os.fork()
    if child == 0:
        connection.send_command("PING")  # fork
        connection.read_response()
        sys.exit()
    os.waitpid(child, 0)
    pool.release(connection)


never_gives_back()
raises()
watches_and_forgets()
subscribes_and_forgets()
thread = threading.Thread(target=takes_in_a_thread, name="taker")
thread.start()
thread.join()
connects_for_each_request()
forks_with_a_connection()
