import pytest
import redis


def test_that_passes_and_leaks(client):
    connection = client.connection_pool.get_connection()  # leak
    connection.send_command("PING")
    assert connection.read_response() == b"PONG"


def test_that_leaks_what_its_fixture_closes(fresh):
    connection = fresh.connection_pool.get_connection()  # fresh
    connection.send_command("PING")
    assert connection.read_response() == b"PONG"


def give_up(client):
    connection = client.connection_pool.get_connection()  # raise
    connection.send_command("NONSENSE")
    connection.read_response()
    client.connection_pool.release(connection)


def test_that_expects_an_error(client):
    with pytest.raises(redis.ResponseError):
        give_up(client)


watched = []


def test_that_forgets_what_it_watched(client):
    pipeline = client.pipeline()
    pipeline.watch("key")  # watch
    watched.append(pipeline)
