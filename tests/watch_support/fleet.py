"""A program that uses the server on the port given, in the way given. Says `ready` once it does.

fleet.py PORT WAY NUMBER: `hold` opens that many connections and keeps them, each used once; `pool` has so many threads
that share a pool of as many; `block` waits with so many for a job, and `subscribe` for messages; `grow` opens so many a
second and closes none; `churn` opens and closes so many a second, and keeps count of them under the key `churned`.
"""

import sys
import threading
import time

import redis

PORT, WAY, NUMBER = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def connect(name):
    return redis.Connection(port=PORT, client_name=name)


def opened(name):
    connection = connect(name)
    connection.connect()
    return connection


def ready():
    print("ready", flush=True)


def work(client):
    while True:
        client.incr("worked")
        time.sleep(0.02)


kept = []
if WAY in ("hold", "block", "subscribe"):
    kept = [opened(f"{WAY}-{n}") for n in range(NUMBER)]
    for connection in kept:
        if WAY == "block":
            connection.send_command("BLPOP", "jobs", 0)
        elif WAY == "subscribe":
            connection.send_command("SUBSCRIBE", "news")
    ready()
    sys.stdin.read()
elif WAY == "pool":
    pool = redis.BlockingConnectionPool(port=PORT, max_connections=NUMBER)
    # It is full from the start.
    for connection in [pool.get_connection() for _ in range(NUMBER)]:
        pool.release(connection)
    for _ in range(NUMBER):
        threading.Thread(target=work, args=(redis.Redis(connection_pool=pool),), daemon=True).start()
    ready()
    sys.stdin.read()
else:
    begin, done = time.monotonic(), 0
    ready()
    while True:
        done += 1
        connection = opened(WAY)
        if WAY == "grow":
            kept.append(connection)
        else:
            connection.send_command("SET", "churned", done)
            connection.read_response()
            connection.disconnect()
        # Its own pace, whatever one connection takes.
        time.sleep(max(0, begin + done / NUMBER - time.monotonic()))
