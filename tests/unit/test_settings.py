"""Settings: what is read, what is refused, and in which words."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from paceline.cli.environment import parse_dotenv
from paceline.errors import SettingsError
from paceline.settings import NAMES, ProviderSettings, Settings, is_loopback
from paceline.settings.names import lookalikes

KEY = base64.b64encode(bytes(range(32))).decode()


def read(**env: str) -> Settings:
    return Settings.from_environment(env)


def test_an_empty_environment_is_enough_for_the_defaults() -> None:
    settings = read()
    assert settings.api.port == 3001
    assert settings.api.host == "127.0.0.1"
    assert settings.api.base_url == "http://localhost:3001"
    assert not settings.api.allow_private_hosts
    assert settings.worker.concurrency == 64
    assert settings.devinbox.port == 1025


@pytest.mark.parametrize("piece", ["database", "redis", "secrets"])
def test_a_missing_setting_is_named_when_its_piece_is_needed(piece: str) -> None:
    with pytest.raises(SettingsError, match="is not set"):
        getattr(read(), piece)


def test_the_names_people_know_are_read() -> None:
    settings = read(
        PORT="8080",
        DATABASE_URL="postgres://ada:s3cret@db/mail",
        REDIS_HOST="cache",
        REDIS_PORT="6380",
        WORKER_CONCURRENCY="200",
        PACELINE_SECRET_KEY=KEY,
        BASE_URL="https://mail.example.com/",
        ALLOW_PRIVATE_HOSTS="yes",
        SMTP_VERIFY="no",
        GOOGLE_CLIENT_ID="client",
        GOOGLE_CLIENT_SECRET="hush",
        ALLOWED_DOMAINS="Example.com, example.org",
        ADMINS="Ada@Example.com",
    )
    assert settings.database.url == "postgres://ada:s3cret@db/mail"
    assert settings.redis.url == "redis://cache:6380/0"
    assert settings.api.port == 8080
    assert settings.api.base_url == "https://mail.example.com"
    assert settings.api.allow_private_hosts
    assert not settings.api.verify_certificates
    assert read().api.verify_certificates
    assert settings.worker.concurrency == 200
    assert settings.secrets.key == bytes(range(32))
    assert settings.sign_in.provider == ProviderSettings(
        issuer="https://accounts.google.com", client_id="client", client_secret="hush"
    )
    assert settings.sign_in.allowed_domains == {"example.com", "example.org"}
    assert settings.sign_in.admins == {"ada@example.com"}
    assert "hush" not in repr(settings)


def test_an_ipv6_redis_host_is_bracketed() -> None:
    assert read(REDIS_HOST="::1").redis.url == "redis://[::1]:6379/0"


def test_the_key_may_use_the_url_alphabet_without_padding() -> None:
    key = bytes([251, 255] * 16)
    text = base64.urlsafe_b64encode(key).decode().rstrip("=")
    assert read(PACELINE_SECRET_KEY=text).secrets.key == key


def test_an_empty_value_counts_as_not_set() -> None:
    assert read(PORT="", REDIS_URL=" ").api.port == 3001


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"PACELINE_WORKER": "1"}, "unknown setting PACELINE_WORKER"),
        ({"PACELINE_SECRET_KEY_FILES": "x"}, "is PACELINE_SECRET_KEY_FILE meant"),
        ({"PACELINE_LANE": "8"}, "unknown setting PACELINE_LANE; is PACELINE_LANES meant"),
        ({"PACELINE_PORT": "80"}, "unknown setting PACELINE_PORT; is PORT meant"),
        ({"PACELINE_DATABSE_URL": "x"}, "is DATABASE_URL meant"),
        ({"PACLINE_HOST": "::"}, "unknown setting PACLINE_HOST; is PACELINE_HOST meant"),
        ({"paceline_host": "::"}, "unknown setting paceline_host; is PACELINE_HOST meant"),
        ({"PACELINE_LOG": "yaml"}, "PACELINE_LOG must be text or json, not 'yaml'"),
        ({"PACELINE_LOG_LEVEL": "loud"}, "PACELINE_LOG_LEVEL must be debug"),
        ({"PORT": "0"}, "PORT must be a whole number from 1 to 65535, not '0'"),
        ({"PORT": "80a"}, "PORT must be"),
        ({"GOOGLE_CLIENT_ID": "id"}, "GOOGLE_CLIENT_SECRET is not: Google asks for both"),
        ({"GOOGLE_CLIENT_SECRET": "s"}, "GOOGLE_CLIENT_SECRET is set, but GOOGLE_CLIENT_ID is not"),
        ({"OIDC_ISSUER": "https://id.example"}, "OIDC_ISSUER is set, but GOOGLE_CLIENT_ID is not"),
        ({"GOOGLE_BUTTON": "yes"}, "GOOGLE_BUTTON is set, but GOOGLE_CLIENT_ID is not"),
        (
            {"GOOGLE_BUTTON": "yes", "GOOGLE_CLIENT_ID": "id", "OIDC_ISSUER": "https://id.example"},
            "GOOGLE_BUTTON is Google's, but OIDC_ISSUER names another provider",
        ),
        (
            {"GOOGLE_CLIENT_ID": "id", "OIDC_ISSUER": "http://id.example"},
            "OIDC_ISSUER must be the provider's https:// address",
        ),
        (
            {
                "GOOGLE_CLIENT_ID": "id",
                "GOOGLE_CLIENT_SECRET": "s",
                "BASE_URL": "http://mail.example.com",
            },
            "Google takes nobody back to http:// but on localhost",
        ),
        ({"ALLOWED_DOMAINS": "example.com"}, "but nobody can sign in with an account of theirs"),
        (
            {"GOOGLE_CLIENT_ID": "id", "GOOGLE_BUTTON": "yes", "ALLOWED_DOMAINS": "a@example.com"},
            "ALLOWED_DOMAINS must be domains such as example.com",
        ),
        ({"ADMINS": "ada"}, "ADMINS must be addresses, commas between; not ada"),
        ({"ADMINS": "ada@a.com;bob@b.com"}, "ADMINS must be addresses, commas between; not ada"),
        ({"ADMINS": "Ada <ada@a.com>"}, "ADMINS must be addresses, commas between; not ada"),
        (
            {
                "GOOGLE_CLIENT_ID": "GOCSPX-x",
                "GOOGLE_CLIENT_SECRET": "1.apps.googleusercontent.com",
            },
            "are the wrong way round",
        ),
        (
            {
                "GOOGLE_CLIENT_ID": "i",
                "GOOGLE_CLIENT_SECRET": "s",
                "ALLOWED_DOMAINS": "a.com;b.com",
            },
            "ALLOWED_DOMAINS must be domains such as example.com, commas between; not a.com;b.com",
        ),
        (
            {
                "GOOGLE_CLIENT_ID": "i",
                "GOOGLE_CLIENT_SECRET": "s",
                "ALLOWED_DOMAINS": "https://a.b",
            },
            "ALLOWED_DOMAINS must be domains such as example.com, commas between; not https://a.b",
        ),
        ({"ADMINS": "ada@exa mple.com"}, "ADMINS must be addresses, commas between; not ada@exa"),
        ({"ADMINS": '"ada@a.com"'}, "ADMINS must be addresses, commas between; not"),
        ({"ADMINS": "ada@a.com bob@b.com"}, "ADMINS must be addresses, commas between; not ada@a"),
        *(
            (
                {"GOOGLE_CLIENT_ID": "i", "GOOGLE_CLIENT_SECRET": "s", "ALLOWED_DOMAINS": domain},
                f"such as example.com, commas between; not {domain}",
            )
            for domain in ('"a.com"', ".a.com", "a.com.", "a..com", "(a.com)")
        ),
        (
            {"GOOGLE_CLIENT_ID": '"1.apps.googleusercontent.com"', "GOOGLE_CLIENT_SECRET": "s"},
            "GOOGLE_CLIENT_ID has quotation marks around it",
        ),
        ({"PORT": "٣"}, "PORT must be"),
        ({"WORKER_CONCURRENCY": "-1"}, "WORKER_CONCURRENCY must be"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must begin with postgresql://"),
        ({"REDIS_URL": "cache:6379"}, "REDIS_URL must begin with redis://"),
        ({"REDIS_URL": "redis://cache/main"}, "must end with the number of a database"),
        ({"REDIS_URL": "redis://:s#cret@cache/0"}, "with : / ? # @ and [ in the password percent"),
        ({"REDIS_URL": "redis://:s?cret@cache/0"}, "with : / ? # @ and [ in the password percent"),
        ({"REDIS_URL": "redis://:s3cret@[::1/0"}, "with : / ? # @ and [ in the password percent"),
        ({"REDIS_URL": "redis://a", "REDIS_HOST": "b"}, "keep one of them"),
        ({"REDIS_PORT": "6379"}, "REDIS_HOST is not"),
        ({"REDIS_HOST": "redis://cache:6379"}, "a URL is REDIS_URL, a port REDIS_PORT"),
        ({"REDIS_HOST": "cache:6379"}, "a URL is REDIS_URL, a port REDIS_PORT"),
        ({"REDIS_HOST": "[::1]"}, "a URL is REDIS_URL, a port REDIS_PORT"),
        ({"REDIS_URL": "redis://cache:99999/0"}, "REDIS_URL: its port must be from 1 to 65535"),
        ({"REDIS_URL": "redis://my cache/0"}, "REDIS_URL must look like"),
        ({"REDIS_URL": "redis://cache..example/0"}, "REDIS_URL must look like"),
        ({"REDIS_HOST": "cache..example"}, "REDIS_HOST must be a name or an address alone"),
        ({"REDIS_URL": "redis://cache:0/0"}, "REDIS_URL: its port must be from 1 to 65535"),
        ({"REDIS_URL": "'redis://cache/0'"}, "know it, without the quotation marks around it"),
        ({"DATABASE_URL": '"postgresql://x"'}, "postgresql://, without the quotation marks"),
        ({"REDIS_URL": "unix://"}, "REDIS_URL must name a socket from the root on"),
        ({"REDIS_URL": "unix://run/redis.sock"}, "REDIS_URL must name a socket from the root on"),
        ({"REDIS_URL": "unix:///"}, "REDIS_URL must name a socket from the root on"),
        (
            {"REDIS_URL": "redis+sentinel://a:1,b:99999/main/0"},
            "REDIS_URL: its port must be from 1",
        ),
        ({"REDIS_URL": "redis+sentinel://a:0/main/0"}, "REDIS_URL: its port must be from 1 to"),
        ({"REDIS_URL": "redis://:${REDIS_PASSWORD}@a/0"}, "has ${REDIS_PASSWORD} in it, which is"),
        ({"DATABASE_URL": "postgresql://a:${DB_PW:-x}@b/c"}, "has ${DB_PW} in it, which is not"),
        (
            {"BASE_URL": "http://0.0.0.0:3001"},
            "BASE_URL is http://0.0.0.0:3001, which leads nobody",
        ),
        ({"BASE_URL": "http://[::]:3001"}, "BASE_URL is http://[::]:3001, which leads nobody"),
        ({"BASE_URL": "http://0"}, "BASE_URL is http://0, which leads nobody"),
        ({"BASE_URL": "mail.example.com"}, "BASE_URL must look like"),
        ({"BASE_URL": "https://u:p@mail.example.com"}, "BASE_URL must look like"),
        ({"BASE_URL": "https://example.com/mail"}, "BASE_URL must look like"),
        ({"BASE_URL": "https://example.com:port"}, "BASE_URL must look like"),
        ({"BASE_URL": "https://mail example.com"}, "BASE_URL must look like"),
        ({"BASE_URL": "https://exämple.com"}, "BASE_URL must look like"),
        (
            {"GOOGLE_CLIENT_ID": "id", "OIDC_ISSUER": "https://id.example:x"},
            "OIDC_ISSUER must be the provider's https:// address",
        ),
        (
            {"GOOGLE_CLIENT_ID": "id", "GOOGLE_BUTTON": "yes", "ALLOWED_DOMAINS": "a b.com"},
            "ALLOWED_DOMAINS must be domains such as example.com",
        ),
        ({"ALLOW_PRIVATE_HOSTS": "maybe"}, "ALLOW_PRIVATE_HOSTS must be yes or no"),
        ({"PACELINE_LEASE_SECONDS": "10"}, "at least 11"),
        ({"PACELINE_SECRET_KEY": "short"}, "32 random bytes"),
        ({"PACELINE_SECRET_KEY": "n*t base64"}, "32 random bytes"),
        (
            {"PACELINE_SECRET_KEY": KEY, "PACELINE_SECRET_KEY_RETIRED": "short"},
            "PACELINE_SECRET_KEY_RETIRED must be 32 random bytes",
        ),
        (
            {"PACELINE_SECRET_KEY": KEY, "PACELINE_SECRET_KEY_RETIRED": KEY},
            "names the key of PACELINE_SECRET_KEY",
        ),
        ({"PACELINE_SECRET_KEY_RETIRED": KEY}, "but PACELINE_SECRET_KEY is not"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(env: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(env)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_addresses_that_only_look_like_wrong_ones_are_read() -> None:
    for url in (
        "unix:///run/redis.sock?db=1",
        "unix://:s3cret@/run/redis.sock",
        "redis+sentinel://:s3cret@one,[::1]:26379,two:5/main/0",
        "redis+sentinel://[::1]/main/0",
        "redis://:%24%7BREDIS%7D$x@cache/0",
    ):
        assert read(REDIS_URL=url).redis.url == url


def test_what_kubernetes_adds_for_a_service_of_our_name_is_passed_over() -> None:
    read(
        PACELINE_SERVICE_HOST="10.0.0.1",
        PACELINE_SERVICE_PORT_HTTP="3001",
        PACELINE_PORT="tcp://10.0.0.1:3001",
        PACELINE_PORT_3001_TCP_ADDR="10.0.0.1",
        PACELINE_REDIS_SERVICE_HOST="10.0.0.2",
    )


def test_a_slip_of_the_pen_without_our_prefix_is_told_with_the_right_name() -> None:
    env = {"DATABSE_URL": "x", "ALLOW_PRIVATE_HOST": "yes", "HOSTNAME": "h", "PATH": "/bin"}
    assert lookalikes(env) == [
        ("ALLOW_PRIVATE_HOST", "ALLOW_PRIVATE_HOSTS"),
        ("DATABSE_URL", "DATABASE_URL"),
    ]
    assert lookalikes({"REDIS_URI": "x", "REDIS_URL": "y"}) == []
    assert lookalikes({"REDIS_HOST_FILE": "/x"}) == [("REDIS_HOST_FILE", "REDIS_HOST")]


def test_secrets_are_in_no_representation() -> None:
    settings = read(
        DATABASE_URL="postgresql://ada:s3cret@db/mail",
        REDIS_URL="redis://:s3cret@cache",
        PACELINE_SECRET_KEY=KEY,
    )
    assert "s3cret" not in repr(settings)
    assert KEY not in repr(settings)
    assert "\\x01" not in repr(settings)


def test_a_refused_key_is_not_repeated_in_the_message() -> None:
    with pytest.raises(SettingsError) as refused:
        read(PACELINE_SECRET_KEY="hunter2hunter2")
    assert "hunter2" not in str(refused.value)


def test_the_example_file_names_every_setting_and_can_be_used_as_it_is() -> None:
    text = (Path(__file__).parents[2] / ".env.example").read_text()
    example = parse_dotenv(text, source=".env.example")
    internal = {
        "PACELINE_ENV_FILE",
        "PACELINE_COMPONENT",
        "PACELINE_SKIP_FRONTEND",
        "PACELINE_BUNDLED_NODE",
    }
    assert set(example) == NAMES - internal
    assert Settings.from_environment(example) == Settings.from_environment({})


def test_a_provider_of_ones_own_needs_no_secret_and_googles_button_neither() -> None:
    own = read(GOOGLE_CLIENT_ID="id", OIDC_ISSUER="https://id.example/realms/mail").sign_in.provider
    assert own is not None
    assert (own.redirects, own.button, own.is_google) == (True, False, False)
    button = read(GOOGLE_CLIENT_ID="id", GOOGLE_BUTTON="yes").sign_in.provider
    assert button is not None
    assert (button.redirects, button.button, button.is_google) == (False, True, True)


@pytest.mark.parametrize(
    ("env", "alone"),
    [
        ({}, True),
        ({"PACELINE_HOST": "0.0.0.0"}, False),
        ({"BASE_URL": "https://mail.example.com"}, False),  # a proxy in front lets others in
    ],
)
def test_whether_only_this_machine_can_reach_it_is_told_by_both_addresses(
    env: dict[str, str], alone: bool
) -> None:
    assert read(**env).api.only_this_machine is alone


def test_the_name_to_introduce_ourselves_by_is_a_full_one_or_an_address() -> None:
    assert read().api.helo_name is None
    assert read(HELO_NAME="mail.example.com").api.helo_name == "mail.example.com"
    assert read(HELO_NAME="[192.0.2.1]").api.helo_name == "[192.0.2.1]"
    with pytest.raises(SettingsError, match=r"HELO_NAME must be a full host name .* not 'laptop'"):
        read(HELO_NAME="laptop")


def test_an_account_at_ethereal_is_whole_or_none() -> None:
    assert Settings.from_environment({}).ethereal is None
    given = {"ETHEREAL_EMAIL": "a@ethereal.email", "ETHEREAL_PASS": "hush"}
    ethereal = Settings.from_environment(given).ethereal
    assert ethereal is not None
    assert (ethereal.email, ethereal.password) == ("a@ethereal.email", "hush")
    assert "hush" not in repr(ethereal)
    for name, value in given.items():
        with pytest.raises(SettingsError, match="go together"):
            Settings.from_environment({name: value})
    with pytest.raises(SettingsError, match="ETHEREAL_EMAIL"):
        Settings.from_environment({**given, "ETHEREAL_EMAIL": "nobody"})


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_a_dns_server_is_an_address_with_or_without_a_port(
    text: str, server: tuple[str, int]
) -> None:
    assert Settings.from_environment({"DNS_SERVER": text}).api.dns_server == server


@pytest.mark.parametrize("text", ["dns.example", "127.0.0.1:x", "127.0.0.1:70000", "1.2.3"])
def test_what_is_no_dns_server_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="DNS_SERVER"):
        Settings.from_environment({"DNS_SERVER": text})


@pytest.mark.parametrize(
    ("host", "is_it"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("a.com", False)],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, is_it: bool) -> None:
    assert is_loopback(host) is is_it


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("", ("127.0.0.1", "::1")),
        ("10.0.0.7, 10.1.0.0/16", ("10.0.0.7", "10.1.0.0/16")),
        ("2001:db8::/32", ("2001:db8::/32",)),
        ("*", ("*",)),
    ],
)
def test_proxies_that_are_believed_are_addresses_and_networks(
    text: str, proxies: tuple[str, ...]
) -> None:
    given = Settings.from_environment({"FORWARDED_ALLOW_IPS": text})
    assert given.api.trusted_proxies == proxies


@pytest.mark.parametrize("text", ["proxy.internal", "10.0.0.1/8", "10.0.0.1,*", "10.0.0.1:80"])
def test_a_proxy_that_is_no_address_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match="FORWARDED_ALLOW_IPS"):
        Settings.from_environment({"FORWARDED_ALLOW_IPS": text})


def test_traces_are_told_where_opentelemetrys_own_names_say() -> None:
    assert read().tracing is None
    tracing = read(
        OTEL_EXPORTER_OTLP_ENDPOINT="https://collector.example:4318/",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Basic%20aGk=, x-team = mail",
        OTEL_TRACES_SAMPLER_ARG="0.25",
    ).tracing
    assert tracing is not None
    assert tracing.endpoint == "https://collector.example:4318/v1/traces"
    assert tracing.headers == {"authorization": "Basic aGk=", "x-team": "mail"}
    assert (tracing.ratio, tracing.service) == (0.25, "paceline")
    assert "aGk" not in repr(tracing)


@pytest.mark.parametrize(
    "wrong",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"},
        {"OTEL_TRACES_SAMPLER_ARG": "half"},
        {"OTEL_TRACES_SAMPLER_ARG": "1.5"},
        {"OTEL_TRACES_SAMPLER_ARG": "nan"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "s3cret"},
    ],
)
def test_a_wrong_setting_of_traces_is_named_and_no_secret_repeated(wrong: dict[str, str]) -> None:
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", **wrong}
    with pytest.raises(SettingsError, match=next(iter(wrong))) as refused:
        read(**given)
    assert "s3cret" not in str(refused.value)
