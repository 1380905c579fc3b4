"""DATABASE_URL with whatever people's providers put into it, by every way into PostgreSQL."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from paceline.errors import SettingsError
from paceline.persistence.addressing import DatabaseAddress, shown
from paceline.persistence.database import Database
from paceline.persistence.migrate import upgrade

SETTING = "SELECT current_setting('application_name') || ' ' || current_setting('work_mem')"


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("sslmode=disable", "paceline 16MB"),
        ("connect_timeout=30", "paceline 16MB"),
        ("target_session_attrs=read-write", "paceline 16MB"),
        ("application_name=mail", "mail 16MB"),
        ("options=-c%20work_mem%3D8MB", "paceline 8MB"),
        ("sslmode=prefer&application_name=mail&work_mem=9MB", "mail 9MB"),
    ],
)
async def test_parameters_of_the_url_hold_on_every_connection(
    query: str, seen: str, empty_database_url: str
) -> None:
    database = Database(f"{empty_database_url}&{query}")
    try:
        async with database.transaction() as session:
            assert (await session.execute(text(SETTING))).scalar_one() == seen
        async with database.driver() as driver:
            assert await driver.fetchval(SETTING) == seen
        alone = await database.dedicated()
        assert await alone.fetchval(SETTING) == seen
        await alone.close()
    finally:
        await database.close()


def test_migrations_take_the_parameters_of_the_url_too(empty_database_url: str) -> None:
    upgrade(f"{empty_database_url}&sslmode=disable&application_name=mail&connect_timeout=30")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://h/n?channel_binding=require", "channel_binding is not known to the driver"),
        ("postgresql://h/n?connect_timeout=soon", "connect_timeout must be seconds from 1 to 60"),
        ("postgresql://me:se:cret@h:x/n", "must look like postgresql://"),
        ("postgresql://me@my host/n", "must look like postgresql://"),
        ("postgresql://me:s@cret@h/n", "must look like postgresql://"),
        ("postgresql://me@one,my two/n", "must look like postgresql://"),
        ("postgresql://me@one..two/n", "must look like postgresql://"),
        (f"postgresql://me@{'h' * 64}.example/n", "must look like postgresql://"),
        ("postgresql://h/n?target_session_attrs=rw", "target_session_attrs must be one of any, "),
    ],
)
def test_what_cannot_hold_is_refused_by_name_and_without_the_password(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        DatabaseAddress.of(url)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://ada:s3cret@db.example/mail?sslmode=require", "ada@db.example:5432/mail"),
        ("postgres://db:6000/mail", "db:6000/mail"),
        ("postgresql://ada@/mail?host=/run/pg", "ada@/run/pg/mail"),
    ],
)
def test_where_it_leads_is_told_without_the_password(url: str, words: str) -> None:
    assert shown(url) == words
