import os

import pytest
import redis


@pytest.fixture(scope="session")
def client():
    with redis.Redis(port=int(os.environ["REDIS_PORT"]), client_name="suite") as client:
        yield client


@pytest.fixture
def fresh():
    with redis.Redis(port=int(os.environ["REDIS_PORT"]), client_name="fresh") as client:
        yield client
