"""What programs do right: as much as `faults.py` and `faults_async.py` do, and everything comes back."""

import asyncio
import multiprocessing
import os
import sys
import threading
import warnings

try:
    import redis
    from redis import Redis
    from redis.asyncio import BlockingConnectionPool, Redis as AsyncRedis
except ImportError:
    import valkey as redis
    from valkey import Valkey as Redis
    from valkey.asyncio import BlockingConnectionPool, Valkey as AsyncRedis

warnings.simplefilter("ignore", DeprecationWarning)
PORT = int(sys.argv[1])


def by_hand(client):
    connection = client.connection_pool.get_connection("_")
    try:
        connection.send_command("PING")
        connection.read_response()
    finally:
        client.connection_pool.release(connection)


def in_a_pipeline(client):
    def change(pipeline):
        value = int(pipeline.get("key"))
        pipeline.multi()
        pipeline.set("key", value + 1)

    client.transaction(change, "key")


def under_a_lock(client):
    with client.lock("lock", timeout=10):
        client.get("key")


def subscribed(client):
    pubsub = client.pubsub()
    pubsub.subscribe("news")
    while pubsub.get_message(timeout=10) is None:
        pass
    client.publish("news", "one")
    while pubsub.get_message(timeout=10) is None:
        pass
    pubsub.close()


def work(client):
    client.set("key", 1)
    by_hand(client)
    in_a_pipeline(client)
    under_a_lock(client)
    subscribed(client)


def in_threads(client):
    threads = [threading.Thread(target=work, args=(client,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_a_process():
    with Redis(port=PORT) as client:
        work(client)


def in_processes():
    for method in ("fork", "spawn", "forkserver"):
        process = multiprocessing.get_context(method).Process(target=in_a_process)
        process.start()
        process.join()
        if process.exitcode != 0:
            sys.exit("a process ended with %d" % process.exitcode)


def in_a_fork(client):
    child = os.fork()
    if child == 0:
        # Its commands open connections of its own: the library sees that it is another process.
        client.get("key")
        client.connection_pool.disconnect()
        sys.exit()
    _, status = os.waitpid(child, 0)
    if status != 0:
        sys.exit("the fork ended with %d" % status)


async def task(client):
    await client.set("key", 1)
    connection = await client.connection_pool.get_connection("_")
    try:
        await connection.send_command("PING")
        await connection.read_response()
    finally:
        await client.connection_pool.release(connection)
    async with client.pipeline() as pipeline:
        await pipeline.watch("key")
        pipeline.multi()
        pipeline.set("key", 2)
        try:
            await pipeline.execute()
        except redis.WatchError:
            pass
    async with client.lock("lock", timeout=10):
        await client.get("key")
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("news")
        while await pubsub.get_message(timeout=10) is None:
            pass


async def is_cancelled(client):
    waits = asyncio.create_task(client.blpop("nothing", timeout=0))
    while (await client.info("clients"))["blocked_clients"] == 0:
        pass
    waits.cancel()
    try:
        await waits
    except asyncio.CancelledError:
        pass


async def tasks():
    pool = BlockingConnectionPool(port=PORT, max_connections=4, timeout=30)
    client = AsyncRedis(connection_pool=pool)
    await asyncio.gather(*[task(client) for _ in range(8)])
    await is_cancelled(client)
    await client.get("key")
    await pool.disconnect()


def main():
    client = Redis(port=PORT)
    work(client)
    in_threads(client)
    in_a_fork(client)
    in_processes()
    asyncio.run(tasks())
    client.connection_pool.disconnect()


if __name__ == "__main__":
    if sys.argv[2:] == ["uvloop"]:
        import uvloop

        uvloop.install()
    main()
