"""An address that names several servers, and one of a pooler beside PostgreSQL's own."""

from __future__ import annotations

import pytest

from paceline.bootstrap.backup.programs import way_to
from paceline.errors import SettingsError
from paceline.persistence.addressing import DatabaseAddress, shown
from paceline.settings.servers import read_database


def test_each_server_has_an_address_of_its_own_and_has_to_take_writes() -> None:
    url = "postgresql://ada:p%40ss@one:5433,two/mail?sslmode=require&target_session_attrs=any"
    first, second = DatabaseAddress.of(url).dsns
    assert first.startswith("postgresql://ada:p%40ss@one:5433/mail?")
    assert second.startswith("postgresql://ada:p%40ss@two:5432/mail?")
    for dsn in (first, second):
        assert "sslmode=require" in dsn
        assert "target_session_attrs=read-write" in dsn


@pytest.mark.parametrize("url", ["postgres://one,two/mail", "postgresql:///mail?host=one,two"])
def test_several_servers_may_be_named_either_way(url: str) -> None:
    assert len(DatabaseAddress.of(url).dsns) == 2
    assert shown(url) == "one:5432,two:5432/mail"


def test_servers_may_be_addresses_of_version_six() -> None:
    first, second = DatabaseAddress.of("postgresql://ada@[::1]:5433,[2001:db8::2]/mail").dsns
    assert first.startswith("postgresql://ada@[::1]:5433/mail")
    assert second.startswith("postgresql://ada@[2001:db8::2]:5432/mail")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://one:x,two/mail",
        "postgresql://one:1:2,two/mail",
        "postgresql://one,/mail",
        "postgresql:///mail?host=one,two,three&port=1,2",
        "postgresql:///mail?host=one,two&port=x",
    ],
)
def test_servers_that_cannot_be_told_apart_stop_the_start_with_one_line(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL must look like"):
        DatabaseAddress.of(url)


def test_a_comma_in_a_password_names_no_other_server() -> None:
    [dsn] = DatabaseAddress.of("postgresql://ada:a,b@one/mail").dsns
    assert dsn == "postgresql://ada:a%2Cb@one/mail"


def test_postgresqls_own_programs_are_told_of_all_servers() -> None:
    address, _ = way_to("postgresql://ada@one:5433,two/mail")
    assert address == "postgresql://ada@/mail?host=one%2Ctwo&port=5433%2C5432"


def test_sessions_go_to_postgresql_itself_where_there_is_a_pooler() -> None:
    pooler, direct = "postgresql://pooler/mail", "postgresql://db/mail"
    settings = read_database({"DATABASE_URL": pooler, "DATABASE_DIRECT_URL": direct})
    assert settings is not None
    assert (settings.url, settings.session_url) == (pooler, direct)
    with pytest.raises(SettingsError, match="DATABASE_URL is not"):
        read_database({"DATABASE_DIRECT_URL": direct})
    with pytest.raises(SettingsError, match="DATABASE_DIRECT_URL must begin with"):
        read_database({"DATABASE_URL": pooler, "DATABASE_DIRECT_URL": "db"})


@pytest.mark.parametrize(
    "url", ["postgresql://one:54322222/mail", "postgresql://one:0/mail", "postgresql://a,b:70000/m"]
)
def test_a_port_that_there_is_not_is_told_before_anybody_looks_for_it(url: str) -> None:
    with pytest.raises(SettingsError, match="its port must be from 1 to 65535"):
        DatabaseAddress.of(url)
