"""A program that uses the server on the port given, in the way given. Says `ready` once it does.

fleet.py PORT WAY NUMBER: `hold` opens that many connections and keeps them, each used once; `grow` opens so many a second
and closes none; `churn` opens and closes so many a second.
"""

import sys
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


kept = []
if WAY == "hold":
    kept = [opened(f"hold-{n}") for n in range(NUMBER)]
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
            connection.disconnect()
        # Its own pace, whatever one connection takes.
        time.sleep(max(0, begin + done / NUMBER - time.monotonic()))
