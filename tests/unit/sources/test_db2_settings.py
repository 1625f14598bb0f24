"""Settings of a Db2 source: TLS by default, keywords that are allow-listed, and no value that could add one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tailrace.errors import ConfigError
from tailrace.sources.db2.settings import Db2Settings, connection_of
from tailrace.sources.db2.source import Db2Source

DB2 = {"hostname": "db.example.com", "database": "BLUDB", "username": "u", "password": "hunter2"}


def keywords(folder: Path = Path(), **changes: Any) -> dict[str, str]:
    settings = Db2Settings.model_validate({**DB2, **changes})
    text = connection_of(settings, folder).text()
    return dict(part.split("=", 1) for part in text.split(";") if part)


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text("not read here")
    return path


def test_tls_with_the_host_name_is_on_by_default(ca: Path) -> None:
    found = keywords(ca.parent, tls={"ca": "ca.pem"})
    assert found["SECURITY"] == "SSL"
    assert found["SSLCLIENTHOSTNAMEVALIDATION"] == "BASIC"
    assert found["SSLSERVERCERTIFICATE"] == str(ca)
    assert keywords()["SECURITY"] == "SSL"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "LOCALHOST"])
def test_tls_is_off_by_default_on_loopback(host: str) -> None:
    assert "SECURITY" not in keywords(hostname=host)


def test_tls_can_be_turned_off_and_on(ca: Path) -> None:
    assert "SECURITY" not in keywords(tls="disable")
    assert keywords(ca.parent, hostname="localhost", tls={"ca": "ca.pem"})["SECURITY"] == "SSL"
    found = keywords(ca.parent, tls={"mode": "verify-ca", "ca": "ca.pem"})
    assert found["SSLCLIENTHOSTNAMEVALIDATION"] == "OFF"


def test_the_password_is_sent_readable_only_inside_tls_or_on_this_machine() -> None:
    options = {"AUTHENTICATION": "SERVER"}
    assert keywords(options=options)["AUTHENTICATION"] == "SERVER"
    assert keywords(options=options, hostname="127.0.0.1")["AUTHENTICATION"] == "SERVER"
    with pytest.raises(ValueError, match="readable for anybody"):
        keywords(options=options, tls="disable")
    assert "AUTHENTICATION" not in keywords()


@pytest.mark.parametrize("setting", ["hostname", "database", "username", "password"])
@pytest.mark.parametrize("value", ["a;SECURITY=NONE", "a}", "{a", "a\nb", "a\0b", " a", "a "])
def test_a_value_that_could_add_a_keyword_is_refused_and_not_shown(setting: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Db2Source("w", {**DB2, setting: value})
    assert setting in caught.value.message
    assert "SECURITY=NONE" not in str(caught.value.document())
    assert caught.value.code == "source_settings"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"SSLClientHostnameValidation": "OFF"}, "not allowed"),
        ({"PWD": "x"}, "not allowed"),
        ({"TRACE": "1"}, "not allowed"),
        ({"TRACEFILENAME": "/tmp/x"}, "not allowed"),
        ({"TXNISOLATION": "1"}, "not allowed"),
        ({"FETCHBUFFERSIZE": "1;TRACE=1"}, "must not contain ;"),
        ({"FETCHBUFFERSIZE": "many"}, "whole number"),
        ({"AUTHENTICATION": "NONE"}, "one of"),
        ({"CURRENTSCHEMA": "A B"}, "name of a schema"),
        ({"PROGRAMNAME": "a", "programname": "b"}, "twice"),
    ],
)
def test_only_harmless_keywords_with_plain_values_are_taken(options: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Db2Source("w", {**DB2, "options": options})
    assert says in caught.value.message


def test_a_keyword_is_taken_in_any_case() -> None:
    assert keywords(options={"fetchBufferSize": 65536})["FETCHBUFFERSIZE"] == "65536"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hostname": None}, "hostname"),
        ({"port": 0}, "port"),
        ({"password": None}, "password"),
        ({"password": ""}, "password"),
        ({"tls": {"mode": "require"}}, "tls.mode"),
        ({"tls": {"mode": "disable", "ca": "ca.pem"}}, "nothing would be verified"),
        ({"tls": {"ca": "no-such-file.pem"}}, "does not exist"),
        ({"user": "u"}, "no such setting"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], says: str) -> None:
    settings = {name: value for name, value in {**DB2, **changes}.items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        Db2Source("w", settings)
    assert says in caught.value.message
    assert caught.value.exit_code == 2


def test_secrets_stay_out_of_reprs() -> None:
    settings = Db2Settings.model_validate(DB2)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(connection_of(settings, Path()))
