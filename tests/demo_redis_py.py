"""redis-py, as an application uses it, against the server on the port given. Says so for each protocol that works."""

import asyncio
import sys
import threading

import redis
import redis.asyncio

PORT = int(sys.argv[1])


def commands(r):
    r.flushall()
    assert r.set("a", "1") and r.get("a") == "1"
    assert r.set("b", "x", ex=10, nx=True) and 0 < r.ttl("b") <= 10
    assert r.hset("h", mapping={"f": "v", "g": "w"}) == 2
    assert r.hgetall("h") == {"f": "v", "g": "w"}
    r.rpush("l", *"abc")
    assert r.lrange("l", 0, -1) == list("abc")
    r.sadd("s", "x", "y")
    assert r.smembers("s") == {"x", "y"}
    r.zadd("z", {"a": 1.5, "b": 2})
    assert [tuple(pair) for pair in r.zrange("z", 0, -1, withscores=True)] == [("a", 1.5), ("b", 2.0)]
    assert r.zscore("z", "a") == 1.5
    try:
        r.lpush("a", 1)
    except redis.ResponseError as error:
        assert str(error).startswith("WRONGTYPE"), error
    else:
        raise AssertionError("a string took an element")
    assert r.time()[0] > 0 and r.dbsize() == 6 and r.ping()
    assert r.command_count() > 150 and "get" in r.command()


def pipelines(r):
    assert r.pipeline().incr("n").incr("n").execute() == [1, 2]
    many = r.pipeline(transaction=False)
    for number in range(1000):
        many.set(f"k{number}", number)
    assert all(many.execute())
    assert len(set(r.scan_iter("k*", count=50))) == 1000
    with r.pipeline() as watching:
        watching.watch("a")
        r.set("a", "9")
        watching.multi()
        watching.get("a")
        try:
            watching.execute()
        except redis.WatchError:
            pass
        else:
            raise AssertionError("a changed key went unseen")


def administration(r, protocol):
    me = next(client for client in r.client_list() if client["name"] == f"sync{protocol}")
    assert me["lib-name"].startswith("redis-py") and me["lib-ver"] == redis.__version__, me
    assert int(me["resp"]) == protocol, me
    info = r.info()
    assert info["connected_clients"] >= 1 and info["server_name"] == "redis-pooltop-demo", info
    assert r.info("commandstats")["cmdstat_set"]["calls"] > 1000
    assert r.config_get("maxclients") == {"maxclients": "10000"}
    assert r.client_kill_filter(_id=999999) == 0
    with r.monitor() as monitor:
        r.set("seen", "x")
        assert monitor.next_command()["command"] == "SET seen x"


def messages(r):
    listener = r.pubsub()
    listener.subscribe("c")
    listener.psubscribe("p*")
    kinds = [listener.get_message(timeout=30)["type"] for _ in range(2)]
    assert kinds == ["subscribe", "psubscribe"], kinds
    assert r.publish("c", "hi") == 1
    assert listener.get_message(timeout=30)["data"] == "hi"
    assert r.publish("px", "ho") == 1
    assert listener.get_message(timeout=30)["pattern"] == "p*"
    listener.close()


def blocking(r):
    got = []
    waiter = threading.Thread(target=lambda: got.append(r.blpop(["q1", "q2"], timeout=30)))
    waiter.start()
    r.lpush("q2", "job")
    waiter.join()
    assert [tuple(pair) for pair in got] == [("q2", "job")], got
    assert r.blpop("q1", timeout=0.01) is None


def pool(protocol):
    bounded = redis.BlockingConnectionPool(port=PORT, protocol=protocol, max_connections=3, timeout=30)
    r = redis.Redis(connection_pool=bounded)
    threads = [threading.Thread(target=lambda: r.incr("count")) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert r.get("count") == b"30"
    bounded.disconnect()


async def tasks(protocol):
    r = redis.asyncio.Redis(port=PORT, protocol=protocol, decode_responses=True, max_connections=50)
    assert sorted(await asyncio.gather(*[r.incr("tasks") for _ in range(40)])) == list(range(1, 41))
    async with r.pipeline() as both:
        assert await both.set("x", 1).get("x").execute() == [True, "1"]
    async with r.pubsub() as listener:
        await listener.subscribe("ch")
        await listener.get_message(timeout=30)
        await r.publish("ch", "m")
        assert (await listener.get_message(timeout=30))["data"] == "m"
    await r.aclose()


for protocol in (2, 3):
    client = redis.Redis(port=PORT, protocol=protocol, decode_responses=True, client_name=f"sync{protocol}")
    commands(client)
    pipelines(client)
    administration(client, protocol)
    messages(client)
    blocking(client)
    pool(protocol)
    asyncio.run(tasks(protocol))
    client.close()
    print(f"resp{protocol} ok")
