"""A Flask app: `gunicorn -w 4 shop:app`. Each path does its work rightly, or not."""

import os

import redis
from flask import Flask, jsonify

PORT = int(os.environ["REDIS_PORT"])
app = Flask(__name__)
client = redis.Redis(port=PORT, client_name="shop", max_connections=200)


@app.get("/meet")
def meet():
    """Waits until all have come who were asked for."""
    client.blpop("go", timeout=60)
    return jsonify(pid=os.getpid())


@app.get("/buy")
def buy():
    with client.lock("shop", timeout=10):
        left = client.decr("stock")
    return jsonify(left=left, pid=os.getpid())


def count(pipeline):
    value = int(pipeline.get("count") or 0)
    pipeline.multi()
    pipeline.set("count", value + 1)


@app.get("/count")
def counted():
    client.transaction(count, "count")
    return jsonify(pid=os.getpid())


@app.get("/leak")
def leak():
    connection = client.connection_pool.get_connection()  # leak
    connection.send_command("PING")
    return jsonify(said=connection.read_response().decode(), pid=os.getpid())


@app.get("/raise")
def fail():
    connection = client.connection_pool.get_connection()  # raise
    connection.send_command("NONSENSE")
    answer = connection.read_response()
    client.connection_pool.release(connection)
    return jsonify(said=answer)


waiting = []


@app.get("/watch")
def watch():
    pipeline = client.pipeline()
    pipeline.watch("count")  # watch
    waiting.append(pipeline)
    return jsonify(pid=os.getpid())
