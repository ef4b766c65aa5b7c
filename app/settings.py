"""Every setting of the service, read only from the environment, as `ALVYS_SAGE_<FIELD>`.

`alvys-sage settings` prints this table with the values in force. A variable that is empty counts as not set. A secret
is a `SecretStr` from the moment it is read, so it appears in no `repr`, no log and no error: errors name the variable
and the rule it breaks, never the value.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as SourceError

from app.credentials import Credentials, CredentialsSource, canonical, read_file, variables
from app.errors import SettingsError
from app.former_settings import FormerNamesSource, contradictions, in_use
from app.secret_provider import provided_by
from app.variables import PREFIX, variable
from consumers.source_topics import SOURCES
from kafka_client.size_limits import LARGEST_EVENT, MAX_EVENT
from sage_client import is_loopback

BROKERS_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
Positive = Annotated[int, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics' full names, prefix included."""

    invoice_created: str
    settlement_finalized: str
    fuel_transaction: str
    toll_transaction: str
    consolidated_bill: str
    mapping_state: str
    sage_export_results: str
    sage_payments: str
    sage_dead_letters: str
    export_commands: str
    payment_cursor: str
    sage_export_statistics: str
    sage_parties: str

    @property
    def sources(self) -> tuple[str, ...]:
        """The topics whose records are exported: four upstream topics, and the consolidated bills of fuel and tolls."""
        return tuple(getattr(self, name) for name in SOURCES)

    @property
    def consolidated_lines(self) -> str:
        """Internal topic: the fuel and toll rows of consolidated bills, and the marks of the bills that were sent."""
        return f"{self.consolidated_bill}.rows"

    @staticmethod
    def ledger(source: str) -> str:
        """The ledger topic of a source topic. Both are full names."""
        return f"{source}.ledger"

    @property
    def statistics_facts(self) -> str:
        """Internal topic: the facts of each result that the statistics use, by subsidiary."""
        return f"{self.sage_export_statistics}.facts"

    @property
    def statistics_windows(self) -> str:
        """Internal topic: the open windows of the statistics."""
        return f"{self.sage_export_statistics}.windows"

    @property
    def statistics_waiting(self) -> str:
        """Internal topic: the waiting documents of the statistics."""
        return f"{self.sage_export_statistics}.waiting"


class Settings(BaseSettings):
    """The settings from the environment. Use `load`; tests call the constructor with keywords."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    kafka_bootstrap_servers: str = Field(
        "localhost:9092",
        description="Kafka brokers to begin with, host:port separated by commas.",
        validation_alias=AliasChoices(f"{PREFIX}{BROKERS_VARIABLE}", BROKERS_VARIABLE),
        min_length=1,
    )
    kafka_security_protocol: Protocol = Field("PLAINTEXT", description="How to speak to the brokers.")
    kafka_sasl_mechanism: Mechanism = Field("PLAIN", description="How to sign in, with SASL_PLAINTEXT and SASL_SSL.")
    kafka_sasl_user: str | None = Field(None, description="Kafka user, with SASL.")
    kafka_sasl_password: SecretStr | None = Field(None, description="Kafka password, with SASL.")
    kafka_ssl_ca_file: Path | None = Field(
        None,
        description="PEM file of the authority behind the brokers' certificates; not set: the system's list.",
    )
    client_id: str = Field("alvys-sage", description="Name of this program in the brokers' logs and quotas.")
    group_id: str = Field("alvys-sage", description="Consumer group of the worker; part of the transactional ids.")
    group_instance_id: str | None = Field(
        None,
        description="Static membership: a name that this worker keeps over restarts, such as its pod name.",
    )

    topic_prefix: str = Field("", description="Put before every topic name, for several installations on one cluster.")
    topic_invoice_created: str = Field("invoice-created", description="Source topic: customer invoices.")
    topic_settlement_finalized: str = Field("settlement-finalized", description="Source topic: statements.")
    topic_fuel_transaction: str = Field("fuel-transaction", description="Source topic: fuel card transactions.")
    topic_toll_transaction: str = Field("toll-transaction", description="Source topic: toll transactions.")
    topic_consolidated_bill: str = Field(
        "roadside-bill",
        description="Source topic: fuel and tolls of a day, made by `alvys-sage consolidate-bills`.",
    )
    topic_mapping_state: str = Field("mapping-state", description="Compacted: connections, accounts, vendors.")
    topic_sage_export_results: str = Field("sage-export-results", description="What became of each document.")
    topic_sage_payments: str = Field("sage-payments", description="Payments recorded in Sage Intacct.")
    topic_sage_dead_letters: str = Field("sage-dead-letters", description="Events that break the contract, untouched.")
    topic_export_commands: str = Field("export-commands", description="Retry, mark as synced, pause, resume.")
    topic_payment_cursor: str = Field("payment-cursor", description="Internal: how far payments were read.")
    topic_sage_export_statistics: str = Field(
        "sage-export-statistics", description="Figures and alerts of a window of time, by subsidiary."
    )
    topic_sage_parties: str = Field(
        "sage-parties", description="Compacted: ids of customers and vendors that Alvys does not know yet."
    )
    partitions: Positive = Field(6, description="Partitions of a topic that `alvys-sage topics --create` creates.")
    replication_factor: int = Field(
        0, ge=0, description="Replicas of a topic that is created; 0: three, or one per broker where there are fewer."
    )
    mapping_state_policy_check: Literal["raise", "warn", "reconcile"] = Field(
        "raise",
        description="mapping-state not compacted: refuse to start, say so and go on, or set the policy.",
    )

    gateway_url: str = Field(
        "https://api.intacct.com/ia/xml/xmlgw.phtml", description="Sage Intacct XML gateway, or a simulator of it."
    )
    endpoint_domain: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        description="Domain in which an answer of the gateway may name the address of a session, such as intacct.com; "
        "not set: the gateway's own (SECURITY.md).",
    )
    allow_http_gateway: bool = Field(
        False,
        description="Take a gateway address without TLS that is not this machine: passwords travel in the clear.",
    )
    sender_id: str = Field("AlvysMPP", description="Sage Intacct Web Services sender ID.")
    sender_password: SecretStr | None = Field(None, description="Password of the sender ID.")
    marker_field: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Integration name of a custom text field of invoices and bills that holds our marker; not set: it "
        "stands at the end of the description.",
    )
    credentials: dict[str, Credentials] = Field(
        default_factory=dict,
        description=f"Sage users by the name that connections give: {PREFIX}CREDENTIALS__<NAME>__USER, __PASSWORD.",
    )
    credentials_file: Path | None = Field(
        None,
        description='JSON file of the same: {"<name>": {"user": …, "password": …}}; the environment goes first.',
    )
    credentials_provider: str | None = Field(
        None,
        description="A function of your own that gives user and password by name, asked last: "
        "`package.module:function`, or an entry point of the group `alvys_sage.credentials` (docs/setup.md).",
    )
    client_application_id: str | None = Field(
        None,
        description="Alvys Client ID, shown by `alvys-sage connect` for Sage's Authorized Client Applications.",
    )
    roles_file: Path | None = Field(
        None,
        description='JSON file of who has which role, {"<name>": "Admin"}, read afresh each time; not set: anyone may '
        "change the installation.",
    )

    batch_size: int = Field(100, ge=1, le=100, description="Documents in one request to Sage Intacct, at most.")
    requests_in_flight_per_company: Positive = Field(
        1, description="Requests of any kind at a time to one Sage company, of this worker."
    )
    requests_per_minute_per_company: int = Field(
        0, ge=0, description="Requests of any kind a minute to one Sage company, of this worker; 0: not limited."
    )
    request_burst: Positive = Field(10, description="Requests that may go at once after a rest, if limited.")
    max_in_flight_records: Positive = Field(
        1000, description="Records of a partition in work, at most; then it is paused."
    )
    largest_event_bytes: int = Field(
        LARGEST_EVENT,
        ge=1024,
        le=MAX_EVENT,
        description="Bytes of an event's value, at most; a larger one is a dead letter. Ledgers and dead letters must "
        "take four thirds of it and 256 KiB (`max.message.bytes`). Stop the workers in good order before lowering it.",
    )
    lines_per_request: Positive = Field(
        2_000, description="Lines of all documents of one request to Sage Intacct, at most, and so of one document."
    )
    send_deadline_seconds: Positive = Field(
        60, description="Seconds after a claim within which its request begins; later it is claimed anew."
    )
    execution_limit_seconds: Positive = Field(
        900,
        description="Seconds that Sage may work on a request; only then is a document that is not found proven absent.",
    )
    doubt_probe_seconds: int = Field(
        0,
        ge=0,
        description="Seconds after which a call without an answer is made once more under its control id, to learn its "
        "outcome early; 0: never. Measure first, in a sandbox, that your Sage company never executes both "
        "(`alvys-sage connections measure-repetition`).",
    )
    circuit_open_after_seconds: Positive = Field(
        300, description="Seconds until the circuit of a Sage company that takes nothing opens."
    )
    circuit_retry_seconds: Positive = Field(60, description="Seconds between tries of a company whose circuit is open.")
    state_dir: Path | None = Field(
        None,
        description="Folder on a local disk that keeps copies of the ledgers, so that a start reads only what is new; "
        "not set: every start reads the whole ledgers.",
    )
    session_timeout_ms: Positive = Field(
        30_000, description="Milliseconds of silence after which a worker loses its partitions."
    )
    max_poll_interval_ms: Positive = Field(
        300_000, description="Milliseconds without a poll after which it is put out, and that a rebalance waits for it."
    )
    drain_timeout_seconds: Positive = Field(
        30, description="Seconds that a stopping worker waits for requests in flight."
    )
    statistics_window_seconds: Positive = Field(60, description="Length of the windows that results are counted in.")
    statistics_grace_seconds: Positive = Field(
        5, description="Seconds after its end that a window waits for results that are on their way."
    )
    statistics_reject_percent: int = Field(
        20, ge=1, le=100, description="Percentage of rejected documents in a window from which there is an alert."
    )
    fuel_bills_at: str = Field(
        "06:30", pattern=CLOCK, description="UTC time of day at which a fuel provider's past days become bills."
    )
    toll_bills_at: str = Field("07:30", pattern=CLOCK, description="The same of toll providers.")
    payments_interval_seconds: Positive = Field(
        300, description="Seconds between two looks for payments in one Sage company."
    )
    payments_calls_per_hour: int = Field(
        240,
        ge=10,
        description="Queries for payments to one Sage company in any hour, at most; each is a transaction of Sage's.",
    )
    payments_overlap_seconds: Positive = Field(
        900, description="Seconds before the newest change seen from which each look begins; once a day it is 26 hours."
    )
    payments_reconcile_hours: Positive = Field(
        24, description="Hours between two passes that hold every document's balance in Sage against its payments."
    )
    payments_sessions: Literal["top", "entity"] = Field(
        "top",
        description="Sessions that payments are read in: at the company's top level, which sees all entities, or in "
        "each connection's entity, where its user may not sign in at the top level.",
    )
    partitioner: Literal["auto", "murmur2", "crc32", "any"] = Field(
        "auto",
        description="How upstream's producers choose a record's partition from its key: murmur2 (Java's default), "
        "crc32 (librdkafka's), any (not checked: upstream keeps all records of a document in one partition). With "
        "`auto` it is learned once. It is kept in the ledger; a worker that is told another one does not start.",
    )
    record_keys: Literal["document", "any"] = Field(
        "document",
        description="What a source record's key must be: its document's key, or anything. With `any`, upstream "
        "has to keep all records of a document in one partition, or it can be posted twice.",
    )
    gateway_timeout_seconds: Positive = Field(300, description="Seconds for one request to Sage Intacct, all in all.")
    check_crcs: bool = Field(True, description="Check records' checksums; false only for librdkafka's mock cluster.")

    metrics_host: str = Field("127.0.0.1", description="Address that metrics are served at.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Port of metrics; 0: not served.")
    log_format: Literal["console", "json"] = Field("console", description="Log lines for people or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least important line shown.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the names are pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: keywords, then the environment, then former names of variables.

        Our own source of credentials never parses a password as JSON.
        """
        return init_settings, CredentialsSource(settings_cls), env_settings, FormerNamesSource(settings_cls)

    @field_validator("gateway_url")
    @classmethod
    def _a_web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http or https address")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold a user or password")
        try:
            _ = parts.port
        except ValueError:
            raise ValueError("must have a port from 0 to 65535, or none") from None
        return url

    @field_validator("credentials")
    @classmethod
    def _names_are_canonical(cls, given: dict[str, Credentials]) -> dict[str, Credentials]:
        named = {canonical(name): value for name, value in given.items()}
        if len(named) != len(given):
            raise ValueError("two names differ in nothing but case or punctuation")
        return named

    @model_validator(mode="after")
    def _sasl_is_complete(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL"):
            for field in ("kafka_sasl_user", "kafka_sasl_password"):
                if getattr(self, field) is None:
                    raise ValueError(f"{variable(field)} is needed with {self.kafka_security_protocol}")
        return self

    @model_validator(mode="after")
    def _the_gateway_has_tls(self) -> Self:
        without = urlsplit(self.gateway_url).scheme == "http" and not is_loopback(self.gateway_url)
        if without and not self.allow_http_gateway:
            raise ValueError(
                f"{variable('gateway_url')} is an http address of another machine, so passwords would travel in the "
                f"clear: use https, or set {variable('allow_http_gateway')}=true in a network that is trusted"
            )
        return self

    @model_validator(mode="after")
    def _timeouts_are_in_order(self) -> Self:
        if self.session_timeout_ms >= self.max_poll_interval_ms:
            raise ValueError(f"{variable('session_timeout_ms')} must be below {variable('max_poll_interval_ms')}")
        if self.drain_timeout_seconds * 1000 >= self.max_poll_interval_ms:
            raise ValueError(f"{variable('drain_timeout_seconds')} must end before {variable('max_poll_interval_ms')}")
        if self.max_in_flight_records < self.batch_size:
            raise ValueError(f"{variable('max_in_flight_records')} must be at least {variable('batch_size')}")
        return self

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            SettingsError: Something is missing or breaks a rule. The error lists every finding, and no value.
        """
        if twice := contradictions():
            raise SettingsError(twice)
        try:
            return cls()
        except ValidationError as error:
            findings = [
                _finding(part["loc"], part["msg"]) for part in error.errors(include_input=False, include_url=False)
            ]
            raise SettingsError(findings) from None  # the frames of the original error hold the values
        except SourceError as error:
            raise SettingsError([str(error).splitlines()[0]]) from None

    @property
    def topics(self) -> Topics:
        """The topics' full names."""
        names = {field: self.topic_prefix + getattr(self, f"topic_{field}") for field in Topics.__dataclass_fields__}
        return Topics(**names)

    def credentials_for(self, name: str) -> Credentials:
        """Find the Sage user of a credentials name; case and punctuation of the name do not matter.

        The environment is searched first, then the file, then the provider.

        Raises:
            SettingsError: There are no credentials of that name; the text names the variables to set.
        """
        known = dict(self.credentials)
        if self.credentials_file is not None:
            known = read_file(self.credentials_file) | known
        if (found := known.get(canonical(name))) is not None:
            return found
        if self.credentials_provider is not None and (given := provided_by(self.credentials_provider).get(name)):
            return given
        user, password = variables(name)
        wanted = (
            f"no credentials named {name!r}: set {user} and {password}, or add the name to {PREFIX}CREDENTIALS_FILE"
        )
        raise SettingsError([wanted])

    def required_sender_password(self) -> SecretStr:
        """The password of the sender id.

        Raises:
            SettingsError: The password is not set.
        """
        if self.sender_password is None:
            raise SettingsError([f"{variable('sender_password')} is not set"])
        return self.sender_password


def _finding(where: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    if not where:
        return text  # a rule over several fields names them itself
    name = "__".join(str(part).upper() for part in where)
    former = in_use().get(str(where[0]))
    given_as = "" if former is None else f" (given as {former})"
    return f"{name if BROKERS_VARIABLE in name else PREFIX + name}{given_as}: {text}"
