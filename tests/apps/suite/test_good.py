import threading


def test_set_and_get(client):
    client.set("key", "value")
    assert client.get("key") == b"value"


def test_pipeline(client):
    with client.pipeline() as pipeline:
        pipeline.set("key", 1)
        pipeline.incr("key")
        assert pipeline.execute() == [True, 2]


def test_pubsub(client):
    with client.pubsub() as pubsub:
        pubsub.subscribe("news")
        assert pubsub.get_message(timeout=10)["type"] == "subscribe"


def test_fresh(fresh):
    assert fresh.ping()


def test_blocking(client):
    popped = []
    thread = threading.Thread(target=lambda: popped.append(client.blpop("queue", timeout=10)))
    thread.start()
    client.rpush("queue", "job")
    thread.join()
    assert popped == [(b"queue", b"job")]
