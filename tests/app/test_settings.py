"""Settings come from the environment, and secrets stay in it (promise 8)."""

import json
import traceback
from collections import Counter

import pytest

from app.errors import SettingsError
from app.kafka import kafka_options
from app.settings import Settings
from app.settings_table import describe_settings, markdown, unknown_variables
from consumers.source_topics import SOURCES
from domain.events import EventKind

SECRET = "geheim-7319"  # it may appear nowhere


@pytest.fixture(autouse=True)
def only_ours(monkeypatch):
    import os  # noqa: PLC0415 - to clear what this machine sets

    for name in os.environ:
        if name.startswith(("ALVYS_SAGE_", "KAFKA_")):
            monkeypatch.delenv(name)


def test_an_empty_environment_gives_the_documented_defaults():
    settings = Settings.load()
    assert settings.kafka_bootstrap_servers == "localhost:9092"
    assert settings.sender_id == "AlvysMPP"
    assert (settings.batch_size, settings.max_in_flight_records, settings.partitions) == (100, 1000, 6)
    assert settings.topics.sources[0] == "invoice-created"
    assert settings.topics.ledger("invoice-created") == "invoice-created.ledger"
    assert settings.sender_password is None


def test_the_broker_goes_by_its_usual_name_and_the_prefixed_one_goes_first(monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "a:1")
    assert Settings.load().kafka_bootstrap_servers == "a:1"
    monkeypatch.setenv("ALVYS_SAGE_KAFKA_BOOTSTRAP_SERVERS", "b:2")
    assert Settings.load().kafka_bootstrap_servers == "b:2"


def test_the_prefix_is_put_before_every_topic(monkeypatch):
    monkeypatch.setenv("ALVYS_SAGE_TOPIC_PREFIX", "east-")
    topics = Settings.load().topics
    assert topics.mapping_state == "east-mapping-state"
    assert topics.ledger(topics.toll_transaction) == "east-toll-transaction.ledger"


@pytest.mark.parametrize("name", ["ACME", "acme", "Acme"])
@pytest.mark.parametrize("password", [SECRET, "123456", '{"a": 1}', "null", "with__two"])
def test_credentials_are_found_by_name_without_case_and_are_text(monkeypatch, name: str, password: str):
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS__Acme__USER", "bob")
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS__ACME__PASSWORD", password)
    found = Settings.load().credentials_for(name)
    assert (found.user, found.password.get_secret_value()) == ("bob", password)


def test_a_name_with_a_dash_is_found_in_a_variable_that_cannot_have_one(monkeypatch):
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS__ACME_FREIGHT__USER", "bob")
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS__ACME_FREIGHT__PASSWORD", SECRET)
    assert Settings.load().credentials_for("acme-freight").user == "bob"


def test_credentials_are_read_from_a_file_and_the_environment_goes_first(monkeypatch, tmp_path):
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"Acme": {"user": "file", "password": "x"}, "other": {"user": "o", "password": "y"}}))
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS__ACME__USER", "env")
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS__ACME__PASSWORD", "z")
    settings = Settings.load()
    assert settings.credentials_for("acme").user == "env"
    assert settings.credentials_for("OTHER").user == "o"


def test_a_missing_name_names_the_variables_to_set():
    with pytest.raises(SettingsError, match="ALVYS_SAGE_CREDENTIALS__ACME_FREIGHT__PASSWORD"):
        Settings.load().credentials_for("acme freight")


def test_every_broken_rule_is_named_at_once_by_its_variable(monkeypatch):
    monkeypatch.setenv("ALVYS_SAGE_PARTITIONS", "none")
    monkeypatch.setenv("ALVYS_SAGE_GATEWAY_URL", "ftp://x")
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS__ACME__USER", "bob")
    with pytest.raises(SettingsError) as error:
        Settings.load()
    names = [finding.partition(":")[0] for finding in error.value.findings]
    assert names == ["ALVYS_SAGE_PARTITIONS", "ALVYS_SAGE_GATEWAY_URL", "ALVYS_SAGE_CREDENTIALS__ACME__PASSWORD"]


@pytest.mark.parametrize(
    "variables",
    [
        {"ALVYS_SAGE_GATEWAY_URL": f"https://me:{SECRET}@gateway"},
        {"ALVYS_SAGE_GATEWAY_URL": SECRET},
        {"ALVYS_SAGE_CREDENTIALS": SECRET},
        {"ALVYS_SAGE_CREDENTIALS": json.dumps({"acme": {"user": "u", "passwort": SECRET}})},
        {"ALVYS_SAGE_SENDER_PASSWORD": SECRET, "ALVYS_SAGE_PARTITIONS": "0"},
        {"ALVYS_SAGE_CREDENTIALS__A__PASSWORD": SECRET},
        {"ALVYS_SAGE_KAFKA_SASL_PASSWORD": SECRET, "ALVYS_SAGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
    ],
)
def test_no_error_holds_a_secret(monkeypatch, variables: dict[str, str]):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        Settings.load()
    told = "".join(traceback.format_exception(error.value)) + repr(error.value)
    assert SECRET not in told


@pytest.mark.parametrize("url", ["http://api.intacct.com/x", "HTTP://gateway.example:80/x", "http://10.0.0.1/x"])
def test_a_gateway_without_tls_that_is_not_this_machine_is_refused_unless_a_setting_says_otherwise(monkeypatch, url):
    monkeypatch.setenv("ALVYS_SAGE_GATEWAY_URL", url)
    with pytest.raises(SettingsError, match=r"(?s)ALVYS_SAGE_GATEWAY_URL.*ALVYS_SAGE_ALLOW_HTTP_GATEWAY=true"):
        Settings.load()
    monkeypatch.setenv("ALVYS_SAGE_ALLOW_HTTP_GATEWAY", "true")
    assert Settings.load().gateway_url == url


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8090/x", "http://localhost/x", "http://[::1]:1/x", "https://a.example/x"]
)
def test_a_gateway_of_this_machine_needs_no_tls(monkeypatch, url):
    monkeypatch.setenv("ALVYS_SAGE_GATEWAY_URL", url)
    assert Settings.load().gateway_url == url


@pytest.mark.parametrize("url", ["https://gateway:99999/", "https://gateway:x/"])
def test_a_gateway_address_whose_port_is_none_is_refused(monkeypatch, url):
    monkeypatch.setenv("ALVYS_SAGE_GATEWAY_URL", url)
    with pytest.raises(SettingsError, match=r"ALVYS_SAGE_GATEWAY_URL: must have a port"):
        Settings.load()


@pytest.mark.parametrize("domain", ["com", "", " ", "intacct.com/", "https://intacct.com", "*.intacct.com", "a@b.com"])
def test_the_domain_of_endpoints_is_a_domain(monkeypatch, domain):
    monkeypatch.setenv("ALVYS_SAGE_ENDPOINT_DOMAIN", domain)
    if not domain:  # empty counts as not set
        assert Settings.load().endpoint_domain is None
        return
    with pytest.raises(SettingsError, match="ALVYS_SAGE_ENDPOINT_DOMAIN"):
        Settings.load()


@pytest.mark.parametrize("content", [SECRET, json.dumps({"a": SECRET}), json.dumps({"a": {"user": SECRET}})])
def test_no_error_about_the_credentials_file_holds_its_content(monkeypatch, tmp_path, content: str):
    file = tmp_path / "credentials.json"
    file.write_text(content)
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS_FILE", str(file))
    with pytest.raises(SettingsError, match="CREDENTIALS_FILE") as error:
        Settings.load().credentials_for("a")
    assert SECRET not in "".join(traceback.format_exception(error.value))


def test_neither_the_settings_nor_their_table_show_a_secret(monkeypatch):
    for name in ("SENDER_PASSWORD", "KAFKA_SASL_PASSWORD", "CREDENTIALS__ACME__PASSWORD"):
        monkeypatch.setenv(f"ALVYS_SAGE_{name}", SECRET)
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS__ACME__USER", "bob")
    settings = Settings.load()
    table = {row.variable: row.value for row in describe_settings(settings)}
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json() + str(table)
    assert table["ALVYS_SAGE_SENDER_PASSWORD"] == "set"
    assert table["ALVYS_SAGE_CREDENTIALS"] == "acme: set"


def test_sasl_without_a_user_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("ALVYS_SAGE_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    with pytest.raises(SettingsError, match="ALVYS_SAGE_KAFKA_SASL_USER is needed with SASL_PLAINTEXT"):
        Settings.load()


def test_kafka_options_are_what_aiokafka_takes(monkeypatch):
    monkeypatch.setenv("ALVYS_SAGE_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("ALVYS_SAGE_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
    monkeypatch.setenv("ALVYS_SAGE_KAFKA_SASL_USER", "kim")
    monkeypatch.setenv("ALVYS_SAGE_KAFKA_SASL_PASSWORD", SECRET)
    options = kafka_options(Settings.load())
    assert options.pop("ssl_context") is not None
    assert options == {
        "bootstrap_servers": "localhost:9092",
        "client_id": "alvys-sage",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "kim",
        "sasl_plain_password": SECRET,
    }


def test_a_missing_authority_file_is_named():
    settings = Settings(kafka_security_protocol="SSL", kafka_ssl_ca_file="no-such.pem")
    with pytest.raises(SettingsError, match=r"KAFKA_SSL_CA_FILE: no-such\.pem: No such file"):
        kafka_options(settings)


def test_every_setting_has_a_description_and_a_row():
    rows = describe_settings()
    assert len(rows) == len(Settings.model_fields)
    assert all(row.description.endswith(".") or "__PASSWORD" in row.description for row in rows)
    assert all(len(line.replace(r"\|", "").split("|")) == 6 for line in markdown(rows).splitlines())


def test_a_misspelt_variable_is_found(monkeypatch):
    monkeypatch.setenv("ALVYS_SAGE_BATCHSIZE", "7")
    monkeypatch.setenv("ALVYS_SAGE_BATCH_SIZE", "7")
    monkeypatch.setenv("ALVYS_SAGE_CREDENTIALS__A__USER", "u")
    assert unknown_variables() == ["ALVYS_SAGE_BATCHSIZE"]


def test_every_type_of_event_has_a_source_topic():
    assert Counter(SOURCES.values()) == Counter(EventKind)
    topics = Settings.load().topics
    named = [topics.invoice_created, topics.settlement_finalized, topics.fuel_transaction, topics.toll_transaction]
    assert topics.sources == (*named, topics.consolidated_bill)
