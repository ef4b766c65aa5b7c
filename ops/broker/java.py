"""Java, Maven and the jars of the broker, fetched once into the project's cache."""

# ruff: noqa: S603 - fixed commands, run without a shell that could read anything into their arguments
import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from ops.broker.base import BrokerError, Progress

HERE: Final = Path(__file__).parent
POM: Final = HERE / "pom.xml"
CACHE: Final = HERE.parents[1] / ".cache" / "kafka"
OLDEST_JAVA: Final = 17  # Kafka 4 brokers need it
FETCH_TIMEOUT: Final = 600.0  # seconds, for 43 MB of jars and Maven's own plugins


def kafka_version() -> str:
    """The version of Apache Kafka in pom.xml, the one place that says it, for example ``4.1.0``."""
    found = re.search(r"<kafka\.version>([\d.]+)</kafka\.version>", POM.read_text(encoding="utf-8"))
    if found is None:
        raise BrokerError(f"{POM.name} names no kafka.version")
    return found.group(1)


def java() -> str:
    """The path of a Java that can run the broker: ``JAVA_HOME`` first, then the ``PATH``.

    Raises:
        BrokerError: There is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if path is None:
        raise BrokerError(f"no Java at JAVA_HOME={home}" if home else f"no Java (version {OLDEST_JAVA} or newer)")
    said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version.group(1)) < OLDEST_JAVA:
        raise BrokerError(f"Java {version.group(1) if version else 'of unknown version'} is older than {OLDEST_JAVA}")
    return path


def jars(progress: Progress, cache: Path = CACHE) -> Path:
    """The folder of the broker's jars, fetched with Maven if it is not there yet.

    The folder appears under its name only when it is whole: an interrupted download leaves a ``.partial`` folder that
    the next one clears. A lock file makes a second process wait for the first.

    Raises:
        BrokerError: Maven is missing or failed; the end of its output is in the text.
    """
    version = kafka_version()
    whole = cache / version / "libs"
    if whole.is_dir():
        return whole
    mvn = shutil.which("mvn")
    if mvn is None:
        raise BrokerError("no Maven (mvn), which fetches the broker's jars once")
    whole.parent.mkdir(parents=True, exist_ok=True)
    with (cache / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.is_dir():
            progress(f"fetching Apache Kafka {version} with Maven (once, 43 MB)")
            partial = whole.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            _copy_dependencies(mvn, partial)
            partial.rename(whole)
    return whole


def _copy_dependencies(mvn: str, into: Path) -> None:
    command = [mvn, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    try:
        done = subprocess.run(
            [*command, f"-DoutputDirectory={into}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=FETCH_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise BrokerError(f"Maven did not fetch the broker's jars in {FETCH_TIMEOUT:.0f} s") from error
    if done.returncode or not any(into.glob("kafka_*.jar")):
        raise BrokerError(f"Maven could not fetch the broker's jars:\n{done.stdout[-2000:].strip()}")
