"""The configuration: defaults, variables, and errors that say where and what."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from epix_node.config import Config, CoveragePromise, default_toml, find_config, load_config
from epix_node.config.loading import all_settings
from epix_node.errors import ConfigError

UNENCRYPTED = """email_to = ["a@b.example"]
email_from = "c@d.example"
smtp_server = "mail.example:25"
smtp_security = "none"
"""

COVERAGE = (CoveragePromise(types=("E", "R"), issued_from=date(2026, 3, 1), published_within_h=24),)


def config_text(**changes):
    given = {
        "code": "XA",
        "environment": "sandbox",
        "base_url": "http://127.0.0.1:8081",
        "listen": "127.0.0.1:8081",
        "coverage": COVERAGE,
    }
    return default_toml(**{**given, **changes})


def load(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    path = tmp_path / "config" / "epix-node.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return load_config(path, environ or {})


def problem(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, environ)
    return str(caught.value)


def test_one_setting_makes_a_configuration(tmp_path):
    """Only the Party's code has no default."""
    config = load(tmp_path, '[party]\ncode = "XA"\n')
    assert config.party.issues_for == ("XA",)
    assert config.party.environment == "sandbox"
    assert config.server.listen == "127.0.0.1:8080"
    assert config.federation.follow is None
    assert config.federation.poll_interval == timedelta(seconds=60)
    assert config.freshness.mirror_stale == timedelta(days=7)
    assert config.limits.document_bytes == 1_048_576


def test_the_file_of_init_gives_what_it_was_asked_for(tmp_path):
    """Code, addresses and coverage are set; the rest is as by default."""
    config = load(tmp_path, config_text(name='The "MA" of \\ XA'))
    assert config.party.name == 'The "MA" of \\ XA'
    assert config.party.coverage == COVERAGE
    assert config.server.base_url == "http://127.0.0.1:8081"
    assert config.store.url == "sqlite:///data/epix-node.sqlite"


def test_the_file_of_init_names_every_setting_with_its_default(tmp_path):
    """Taking all the `# ` away changes nothing but the settings that have no default of their own."""
    text = config_text(name="MA", clock="../clock.txt")
    uncommented = re.sub(r"^# (?=[a-z0-9_]+ = )", "", text, flags=re.MULTILINE)
    config, full = load(tmp_path, text), load(tmp_path, uncommented)
    named = set(re.findall(r"^(?:# )?([a-z0-9_]+) = ", text, flags=re.MULTILINE))
    assert named == {name for _, name, _ in all_settings()}
    without_default = {
        "federation": {"follow", "trust_list"},
        "keys": {"passphrase_file", "pkcs11_module", "pkcs11_token", "pkcs11_key", "pin_file"},
        "notify": {
            *("webhook_url", "webhook_secret_file", "email_to", "email_from"),
            *("smtp_server", "smtp_user", "smtp_password_file"),
        },
    }
    assert full.federation.follow == ("XB", "XC")
    assert full.model_dump(exclude=without_default) == config.model_dump(exclude=without_default)


def test_relative_paths_start_at_the_directory_of_the_node(tmp_path):
    """The parent of `config/` is the node's home, and what is relative begins there."""
    config = load(tmp_path, '[party]\ncode = "XA"\n[sandbox]\nclock = "../clock.txt"\n')
    assert config.home == tmp_path
    assert config.store_path == tmp_path / "data" / "epix-node.sqlite"
    assert config.store_url == f"sqlite:///{tmp_path}/data/epix-node.sqlite"
    assert config.key_files.log_key == tmp_path / "keys" / "log-key.pem"
    assert config.shared_clock == tmp_path / "../clock.txt"


def test_the_file_of_national_measures_is_found_or_must_be_there_where_it_is_named(tmp_path):
    """Beside the configuration without being named; one that is named and absent is not passed over."""
    assert load(tmp_path, config_text()).national_rules is None
    (tmp_path / "config" / "rules.toml").write_text("")
    assert load(tmp_path, config_text()).national_rules == tmp_path / "config" / "rules.toml"
    named = load(tmp_path, config_text(), {"EPIX_RULES__NATIONAL": "strict.toml"})
    assert named.national_rules == tmp_path / "strict.toml"
    assert load(tmp_path, config_text()).reference_file == tmp_path / "data" / "reference.sqlite"


def test_a_file_outside_of_config_has_its_own_directory_as_home(tmp_path):
    """A single file anywhere works too."""
    path = tmp_path / "node.toml"
    path.write_text('[party]\ncode = "XA"\n', "utf-8")
    assert load_config(path, {}).home == tmp_path


@pytest.mark.parametrize(
    ("variable", "text", "section", "name", "expected"),
    [
        ("EPIX_SERVER__LISTEN", "0.0.0.0:9000", "server", "listen", "0.0.0.0:9000"),
        ("EPIX_SERVER__WORKERS", "4", "server", "workers", 4),
        ("EPIX_PARTY__ISSUES_FOR", "XA,XB", "party", "issues_for", ("XA", "XB")),
        ("EPIX_PARTY__ISSUES_FOR", '["XA", "XC"]', "party", "issues_for", ("XA", "XC")),
        ("EPIX_PARTY__TIMEZONE", "Europe/Zurich", "party", "timezone", "Europe/Zurich"),
        ("EPIX_FEDERATION__FOLLOW", "XB", "federation", "follow", ("XB",)),
        ("EPIX_FEDERATION__FOLLOW", "", "federation", "follow", None),
        ("EPIX_FEDERATION__POLL_INTERVAL", "10m", "federation", "poll_interval", timedelta(minutes=10)),
        ("EPIX_FEDERATION__POLL_INTERVAL", "90", "federation", "poll_interval", timedelta(seconds=90)),
        ("EPIX_FEDERATION__PRIVATE_ADDRESSES", "false", "federation", "private_addresses", False),
        ("EPIX_PARTY__COVERAGE", "[]", "party", "coverage", ()),
    ],
)
def test_a_variable_wins_over_the_file(tmp_path, variable, text, section, name, expected):
    """Each setting can be given as EPIX_<SECTION>__<NAME>; an empty one takes the default."""
    config = load(tmp_path, config_text(), {variable: text})
    assert getattr(getattr(config, section), name) == expected


def test_every_setting_has_a_variable(tmp_path):
    """No setting is out of the reach of variables: an unusable text is refused, naming the variable."""
    for section, name, _ in all_settings():
        variable = f"EPIX_{section}__{name}".upper()
        if variable == "EPIX_PARTY__NAME":
            continue  # takes any text
        if variable in {
            "EPIX_FEDERATION__ROOT",
            "EPIX_KEYS__DIRECTORY",
            "EPIX_KEYS__PASSPHRASE_FILE",
            "EPIX_KEYS__PKCS11_MODULE",
            "EPIX_KEYS__PKCS11_TOKEN",
            "EPIX_KEYS__PKCS11_KEY",
            "EPIX_KEYS__PIN_FILE",
            "EPIX_NOTIFY__WEBHOOK_SECRET_FILE",
            "EPIX_NOTIFY__SMTP_USER",
            "EPIX_NOTIFY__SMTP_PASSWORD_FILE",
            "EPIX_REGISTER__POLICY",
            "EPIX_SANDBOX__CLOCK",
            "EPIX_REFERENCE__FILE",
            "EPIX_RULES__NATIONAL",
        }:
            continue  # so do paths and labels
        assert problem(tmp_path, config_text(), {variable: "!"}).startswith(f"{variable}: ")


def test_other_variables_are_none_of_its_business(tmp_path):
    """Only names with two underscores after a section are settings."""
    environ = {"EPIX_CONFIG": "x", "EPIX_KEY_PASSPHRASE": "y", "HOME": "/", "OTHER__THING": "z"}
    assert load(tmp_path, config_text(), environ) == load(tmp_path, config_text())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[party]\ncode = "XA"\n\n[server]\nlisen = "x"\n',
            ":5: [server] lisen: there is no such setting; did you mean listen?",
        ),
        ('[party]\ncode = "XA"\n[sever]\n', ":3: [sever]: there is no such section; did you mean server?"),
        ('code = "XA"\n', ":1: code: a setting outside of any section; did you mean [party] code?"),
        ('path = "/"\n', ":1: path: a setting outside of any section"),
        ('[party]\ncode = "xa"\n', ":2: [party] code: expected a code of two capital letters"),
        ('[party]\nname = "MA"\n', ":1: [party] code: Field required"),
        (
            '[party]\ncode = "XA"\ntimezone = "Mars/Olympus"\n',
            ":3: [party] timezone: there is no time zone 'Mars/Olympus'",
        ),
        ('[party]\ncode = "XA"\nissues_for = ["XB"]\n', ":1: [party]: issues_for does not name XA itself"),
        ('[party]\ncode = "XA"\nenvironment = "prod"\n', ":1: [party]: XA is a fictional country"),
        (
            '[party]\ncode = "XA"\ncoverage = [{types = ["Q"], published_within_h = 24}]\n',
            ":3: [party] coverage.0.types.0: ",
        ),
        (
            '[party]\ncode = "XA"\n[federation]\npoll_interval = "soon"\n',
            ":4: [federation] poll_interval: expected a time",
        ),
        (
            '[party]\ncode = "XA"\n[federation]\npoll_interval = 0.5\n',
            ":4: [federation] poll_interval: expected a time",
        ),
        (
            '[party]\ncode = "XA"\n[federation]\npoll_interval = 0\n',
            ":4: [federation] poll_interval: expected more than",
        ),
        ('[party]\ncode = "XA"\n[server]\nlisten = "8080"\n', ":4: [server] listen: expected HOST:PORT"),
        (
            '[party]\ncode = "XA"\n[server]\nbase_url = "ftp://x"\n',
            ":4: [server] base_url: expected an http or https URL",
        ),
        ('[party]\ncode = "XA"\n[server]\nworkers = true\n', ":4: [server] workers: "),
        ('[party]\ncode = "XA"\n[store]\nurl = "mysql://x"\n', ":4: [store] url: expected sqlite:///PATH"),
        ('[party]\ncode = "XA"\n[store]\nurl = "postgresql+psycopg://h"\n', "USER@HOST:PORT/NAME"),
        ('[party]\ncode = "XA"\n[store]\nurl = "postgresql+psycopg://h:p/n"\n', "USER@HOST:PORT/NAME"),
        (
            '[party]\ncode = "XA"\n[freshness]\nmirror_fresh = "8d"\n',
            ":3: [freshness]: mirror_stale is shorter than mirror_fresh",
        ),
        ('[party]\ncode = "CH"\nenvironment = "uat"\n', "[server] base_url: uat takes https only"),
        (
            '[party]\ncode = "CH"\nenvironment = "uat"\n[server]\nbase_url = "https://e.org"\n[sandbox]\nclock = "c"\n',
            ":7: [sandbox] clock: only a node of the sandbox runs on a shared clock",
        ),
        ('[party]\ncode = "XA"\nserver.listen = 1\n', ":3: [party] server: there is no such setting"),
        ("[party\n", ": not TOML: "),
    ],
)
def test_an_error_names_file_line_and_setting(tmp_path, text, said):
    """Whoever made the mistake can go straight to it."""
    told = problem(tmp_path, text)
    assert told.startswith(str(tmp_path / "config" / "epix-node.toml"))
    assert said in told


def test_all_mistakes_are_told_at_once(tmp_path):
    """One line for each."""
    told = problem(tmp_path, '[party]\ncoed = "XA"\n[server]\nlisen = "x"\n', {"EPIX_STORE__URI": "x"})
    assert len(told.splitlines()) == 3


def test_a_variable_that_is_no_setting_is_an_error(tmp_path):
    """A misspelt variable would silently do nothing."""
    told = problem(tmp_path, config_text(), {"EPIX_SERVER__LISEN": "127.0.0.1:1"})
    assert told == "EPIX_SERVER__LISEN: there is no such setting; did you mean EPIX_SERVER__LISTEN?"


def test_nodes_of_the_sandbox_may_have_private_addresses(tmp_path):
    """On one machine all addresses are private; elsewhere none is unless the operator says so."""
    assert load(tmp_path, config_text()).federation.private_addresses
    text = config_text(code="CH", environment="prod", base_url="https://epix.example.org")
    assert not load(tmp_path, text).federation.private_addresses


def test_a_missing_file_says_what_to_do(tmp_path):
    """The two ways to go on are in the message."""
    with pytest.raises(ConfigError, match=r"no such file.*epix-node init.*--config or EPIX_CONFIG"):
        load_config(tmp_path / "nowhere.toml", {})


def test_the_file_is_found_by_option_then_variable_then_place(tmp_path):
    """Contract 2."""
    assert find_config(Path("a"), {"EPIX_CONFIG": "b"}) == Path("a")
    assert find_config(None, {"EPIX_CONFIG": "b"}) == Path("b")
    assert find_config(None, {}) == Path("config/epix-node.toml")


def test_an_ipv6_address_can_be_listened_on(tmp_path):
    """Brackets are for the text, not for the socket."""
    server = load(tmp_path, config_text(listen="[::1]:8443")).server
    assert (server.host, server.port) == ("::1", 8443)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (
            "postgresql+psycopg://u:p%40ss@db.example:5433/epix?sslmode=require",
            "postgresql+psycopg://u@db.example:5433/epix",
        ),
        ("postgresql+psycopg://db/epix?password=pass", "postgresql+psycopg://db/epix"),
        ("postgresql+psycopg:///epix?host=/run/pg&password=pass", "postgresql+psycopg:///epix"),
    ],
)
def test_a_password_is_never_shown(tmp_path, url, place):
    """Where the database is, people may read; how it is opened, not even a traceback may."""
    config = load(tmp_path, f'[party]\ncode = "XA"\n[store]\nurl = "{url}"\n')
    assert (config.store_url, config.store_path, config.store_place) == (url, None, place)
    assert "ss@" not in repr(config)
    assert "=pass" not in repr(config)
    with pytest.raises(ConfigError) as told:
        load(tmp_path, f'[party]\ncode = "XA"\n[store]\nurl = "{url.replace("+psycopg", "")}"\n')
    assert "=pass" not in str(told.value)
    assert "p%40ss" not in str(told.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('webhook_url = "https://a.example/x"', "webhook_secret_file is missing"),
        ('webhook_secret_file = "s"', "webhook_url is missing"),
        ('webhook_url = "http://a.example/?key=hidden"\nwebhook_secret_file = "s"', "expected an https URL"),
        ('webhook_url = "https://u:hidden@a.example/"\nwebhook_secret_file = "s"', "expected an https URL"),
        ('email_to = ["a@b.example"]', "email_from is missing"),
        ('email_to = ["A B <a@b.example>"]', "expected an address"),
        ('email_to = ["a@b.example\\nBcc: c@d.example"]', "expected an address"),
        ('smtp_server = "mail.example:25"', "email_to is missing"),
        ('smtp_user = "u"', "smtp_user and smtp_password_file belong together"),
        (
            UNENCRYPTED,
            "mail.example is another machine",
        ),
        ('web_hook_url = "https://a.example/x"', "did you mean webhook_url?"),
    ],
)
def test_who_is_told_is_said_in_full_and_only_over_encrypted_ways(tmp_path, settings, said):
    """`[notify]`: halves are refused, with file and line, and nothing is shown of what may be a secret."""
    told = problem(tmp_path, f'[party]\ncode = "XA"\n[notify]\n{settings}\n')
    assert said in told
    assert "epix-node.toml:" in told
    assert "hidden" not in told


def test_on_this_machine_notices_may_go_unencrypted(tmp_path):
    """A relay or a receiver on the same machine."""
    config = load(
        tmp_path,
        '[party]\ncode = "XA"\n[notify]\nwebhook_url = "http://127.0.0.1:9/x"\nwebhook_secret_file = "keys/hook"\n'
        'email_to = ["a@b.example", "c@b.example"]\nemail_from = "n@b.example"\nsmtp_server = "[::1]:25"\n'
        'smtp_security = "none"\n',
    )
    assert config.webhook_secret_file == tmp_path / "keys" / "hook"
    assert config.notify.smtp_address == ("::1", 25)
