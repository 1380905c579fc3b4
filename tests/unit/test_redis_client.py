"""How an address by Sentinels is read, and who a client by it belongs to."""

from __future__ import annotations

import pytest

from paceline.errors import SettingsError
from paceline.redis_client import SentinelAddress, client
from paceline.settings.servers import read_redis


def test_an_address_of_a_server_is_left_alone() -> None:
    assert SentinelAddress.of("redis://:secret@db:6379/0") is None


def test_an_address_by_sentinels_names_them_the_primary_and_its_database() -> None:
    url = "redis+sentinel://ada:p%40ss@one,two:26380,[::1]:5/main/3?sentinel_password=x"
    address = SentinelAddress.of(url)
    assert address is not None
    assert address.hosts == (("one", 26379), ("two", 26380), ("::1", 5))
    assert (address.name, address.plain) == (
        "main",
        "redis://ada:p%40ss@sentinel/3?sentinel_password=x",
    )
    assert "p%40ss" not in str(address)


def test_user_password_and_number_are_the_primarys_and_the_sentinels_have_their_own() -> None:
    opened = client("rediss+sentinel://ada:pw@one/main/3?sentinel_password=x&ssl_check_hostname=no")
    pool = opened.connection_pool
    told = pool.connection_kwargs
    assert (told["username"], told["password"], told["db"]) == ("ada", "pw", 3)
    assert "sentinel_password" not in told
    [sentinel] = pool.sentinel_manager.sentinels
    asks = sentinel.connection_pool.connection_kwargs
    assert (asks["password"], asks["username"]) == ("x", None)
    pool.connection_class(**told)


@pytest.mark.parametrize("url", ["redis+sentinel://one", "redis+sentinel://one:x/main/0"])
def test_an_address_by_sentinels_that_makes_no_sense_is_said_to(url: str) -> None:
    with pytest.raises(ValueError, match="redis\\+sentinel://host:26379,host:26379/name/0"):
        SentinelAddress.of(url)


def test_the_setting_wants_the_name_and_the_number() -> None:
    good = {"REDIS_URL": "redis+sentinel://one,two/main/0"}
    assert read_redis(good) is not None
    with pytest.raises(SettingsError, match="the name of the primary and the number"):
        read_redis({"REDIS_URL": "redis+sentinel://one,two/main"})
