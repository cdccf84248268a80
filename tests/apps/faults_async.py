"""What asyncio programs do wrong with connections, each in a task and with a pool of its own.

The line that is to be named ends in a mark, for the tests to find it.
"""

import asyncio
import gc
import sys
import warnings

try:
    import redis.asyncio as redis
    from redis.asyncio import Redis
except ImportError:
    import valkey.asyncio as redis
    from valkey.asyncio import Valkey as Redis

warnings.simplefilter("ignore")
PORT = int(sys.argv[1])
forgotten = []


def client(name):
    return Redis(port=PORT, client_name=name)


async def never_gives_back():
    pool = client("raw").connection_pool
    connection = await pool.get_connection("_")  # raw
    await connection.send_command("PING")
    await connection.read_response()
    forgotten.append((pool, connection))


async def fails_before_it_gives_back(pool):
    connection = await pool.get_connection("_")  # raised
    await connection.send_command("PING")
    await connection.read_response()
    raise ValueError("what comes between")
    await pool.release(connection)


async def raises():
    pool = client("raised").connection_pool
    forgotten.append(pool)
    try:
        await fails_before_it_gives_back(pool)
    except ValueError:
        pass


async def watches_and_drops(client):
    pipeline = client.pipeline()
    await pipeline.watch("key")  # watch


async def subscribes_and_drops(client):
    pubsub = client.pubsub()
    await pubsub.subscribe("news")  # pubsub
    await pubsub.get_message(timeout=10)


async def is_cancelled(client, taken):
    connection = await client.connection_pool.get_connection("_")  # cancelled
    taken.set()
    await asyncio.Event().wait()
    await client.connection_pool.release(connection)


async def cancels():
    taken, cancelled = asyncio.Event(), client("cancelled")
    forgotten.append(cancelled)
    task = asyncio.create_task(is_cancelled(cancelled, taken), name="taker")
    await taken.wait()
    task.cancel()


async def connects_for_each_request():
    for _ in range(40):
        one = Redis(port=PORT, client_name="request")  # request
        await one.ping()
        await one.connection_pool.disconnect()


async def main():
    await never_gives_back()
    await raises()
    watched, subscribed = client("watch"), client("pubsub")
    await watches_and_drops(watched)
    await subscribes_and_drops(subscribed)
    gc.collect()
    await cancels()
    await connects_for_each_request()
    await watched.ping()
    await subscribed.ping()


if sys.argv[2:] == ["uvloop"]:
    import uvloop

    uvloop.install()
asyncio.run(main())
