"""The demonstration's system, kept running for a person: how to reach it from another terminal."""

import shlex
import signal
from pathlib import Path

from demo.rig import SENDER_PASSWORD, USER_PASSWORD, Rig
from demo.screen import Screen

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / ".cache" / "demo.env"
"""Variables for a shell: the broker, the topics' prefix, the simulator and its fictional passwords."""


def keep(rig: Rig, screen: Screen) -> None:
    """Say how to reach what runs, and wait for Ctrl-C or SIGTERM."""
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    ENVIRONMENT.write_text(variables(rig.env), encoding="utf-8")
    file, command = ENVIRONMENT.relative_to(ROOT), ".venv/bin/alvys-sage"
    for line in (
        "",
        "It keeps running. In another terminal, in this folder:",
        f"  . {file}                      # the settings of this demonstration, for your shell",
        f"  {command} connections list         # which subsidiaries are connected",
        f"  {command} waiting                  # what waits, and for which key",
        f"  {command} waiting --rejected       # what needs a person, and what to do",
        f"  {command} mappings list --subsidiary a1b2c3d4-0000-0000-0000-000000000001",
        f"  {command} payments --once          # payments recorded in the simulator, back to Kafka",
        f"The simulator: {rig.env['ALVYS_SAGE_GATEWAY_URL']}, its books: {rig.admin_url}/documents",
        f"Its sender: AlvysMPP, {SENDER_PASSWORD}; its user: alvys_ws, {USER_PASSWORD}. They are fictional.",
        "Ctrl-C ends everything.",
    ):
        screen.plain(line)
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        return
    finally:
        ENVIRONMENT.unlink(missing_ok=True)


def variables(env: dict[str, str]) -> str:
    """The service's variables, as lines that a shell reads."""
    ours = {name: value for name, value in env.items() if name.startswith(("ALVYS_SAGE_", "KAFKA_BOOTSTRAP_SERVERS"))}
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(ours.items()))
