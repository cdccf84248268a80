"""A Celery app: `celery -A jobs worker`. Each task does its work rightly, or not."""

import os

import redis
from celery import Celery

URL = "redis://127.0.0.1:%s/0" % os.environ["REDIS_PORT"]
app = Celery("jobs", broker=URL, backend=URL)
app.conf.broker_connection_retry_on_startup = True
client = redis.Redis.from_url(URL, client_name="jobs")


@app.task
def add(first, second):
    with client.pipeline() as pipeline:
        pipeline.incrby("sum", first)
        pipeline.incrby("sum", second)
        pipeline.execute()
    return first + second


@app.task
def leak():
    connection = client.connection_pool.get_connection()  # leak
    connection.send_command("PING")
    return connection.read_response().decode()


@app.task
def fail():
    connection = client.connection_pool.get_connection()  # fail
    connection.send_command("PING")
    connection.read_response()
    raise ValueError("what comes between")
    client.connection_pool.release(connection)
