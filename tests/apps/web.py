"""A FastAPI app: `uvicorn web:app`. Each path does its work rightly, or not."""

import os
from contextlib import asynccontextmanager

import redis.asyncio as redis
from fastapi import FastAPI

PORT = int(os.environ["REDIS_PORT"])


@asynccontextmanager
async def lifespan(app):
    app.state.redis = redis.Redis(port=PORT, client_name="web")
    yield
    await app.state.redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.get("/visit")
async def visit():
    async with app.state.redis.pipeline() as pipeline:
        pipeline.incr("visits")
        pipeline.expire("visits", 60)
        visits, _ = await pipeline.execute()
    return {"visits": visits}


@app.get("/hear")
async def hear():
    async with app.state.redis.pubsub() as pubsub:
        await pubsub.subscribe("news")
        while (message := await pubsub.get_message(timeout=10)) is None:
            pass
    return {"heard": message["type"]}


@app.get("/leak")
async def leak():
    connection = await app.state.redis.connection_pool.get_connection()  # leak
    await connection.send_command("PING")
    return {"said": await connection.read_response()}


@app.get("/raise")
async def fail():
    connection = await app.state.redis.connection_pool.get_connection()  # raise
    await connection.send_command("NONSENSE")
    answer = await connection.read_response()
    await app.state.redis.connection_pool.release(connection)
    return {"said": answer}


@app.get("/drop")
async def drop():
    pubsub = app.state.redis.pubsub()
    await pubsub.subscribe("news")  # drop
    return {"heard": None}


@app.get("/connect")
async def connect():
    return {"said": await redis.Redis(port=PORT, client_name="request").ping()}  # connect
