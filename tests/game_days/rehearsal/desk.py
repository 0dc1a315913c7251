"""The folder of the engineer on call: messages, commands, environment, and what was typed."""

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.game_days.ledger import Message
from tests.support.present import utc_now

REPOSITORY = Path(__file__).parents[3]
#: The account of the page.
USER, PASSWORD = "oncall", "correct horse battery"
ENVIRONMENT, LOG, CALL, RESTART = (
    "environment",
    "commands.log",
    ".drill/told.json",
    ".drill/restart",
)
SECRETS = ("SLACK_", "ALERTS_")
KINDS = {"post": "new", "update": "updated in place", "reply": "in the thread"}
LOGGED = """at=$(date -u +%FT%TZ)
(
{body}
)
status=$?
echo "$at $status {name} $*" >> commands.log
exit $status
"""
RUN = """if [ "$1" = run ]; then
    touch {restart} && echo "The daemon is started again, in some seconds." && exit 0
fi
"""
#: Commands: name -> lines of a shell.
COMMANDS = {
    "driftwarden": RUN.format(restart=RESTART)
    + f'exec {shlex.quote(sys.executable)} -m tests.game_days.rehearsal.command "$@"',
    "daemon-log": 'if [ $# = 0 ]; then tail -n 20 daemon.log; else grep -e "$@" daemon.log; fi',
    "note": 'echo "Noted: $*"',
}
README = """# You are on call

`. ./environment` in this folder, then read `phone.txt`: what your phone shows. `slack.txt` has
Slack's messages, the newest last; `pager.txt`, `am.txt`, `mail.txt` and `heartbeat.txt` those of
PagerDuty, Alertmanager, the mail and the service that takes the heartbeats. Act on the message:

| type | for |
| --- | --- |
| `driftwarden check --now`, any other command | the site, as it is now |
| `driftwarden run` | start the daemon again, with the models of config.toml |
| `daemon-log [WORD]` | its log: the last lines, or those with a word |
| `note WORDS` | a step outside of the site: "ask the team of desk about the release" |

The page is at {url}: user `{user}`, password `{password}`. Runbooks: {url}/runbooks, or
{runbooks}.

Of the drill, and no finding: two models with 200 exchanges a day each, a database in this folder,
addresses on 127.0.0.1, no timer of backups. {broker} Changes of config.toml other than of its
models are lost at a start. `evaluate --again` by hand works where the fault is the daemon's.
"""
WITH_BROKER = "The broker is a real Kafka with the site's records; the drill stores them itself."
WITHOUT_BROKER = "Kafka is not there: of `check`, ignore the lines `broker` and `topic`."


class Desk:
    """The folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._n_read = 0
        self._configuration = ""
        (folder / "bin").mkdir(parents=True)
        (folder / ".drill").mkdir()
        (folder / LOG).touch()

    def furnish(self, *, url: str, has_broker: bool) -> None:
        """Write the commands, their environment and the instructions."""
        variables = {
            **{name: value for name, value in os.environ.items() if name.startswith(SECRETS)},
            "PYTHONPATH": str(REPOSITORY),
            "OMP_NUM_THREADS": "1",
        }
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        path = shlex.quote(str(self._folder / "bin"))
        (self._folder / ENVIRONMENT).write_text("\n".join([*lines, f"export PATH={path}:$PATH\n"]))
        for name, body in COMMANDS.items():
            script = self._folder / "bin" / name
            change = f"cd {shlex.quote(str(self._folder))} && . ./{ENVIRONMENT}"
            script.write_text(f"#!/bin/sh\n{change}\n{LOGGED.format(name=name, body=body)}")
            script.chmod(0o755)
        readme = README.format(
            url=url,
            user=USER,
            password=PASSWORD,
            runbooks=REPOSITORY / "docs/runbooks",
            broker=WITH_BROKER if has_broker else WITHOUT_BROKER,
        )
        (self._folder / "README.md").write_text(readme)
        self.note_configuration()

    def show(self, messages: Sequence[Message]) -> None:
        """Append the messages that are new to the files of their channels."""
        for message in messages[self._n_read :]:
            at = f"{message.at:%d %b %Y, %H:%M} UTC"
            head = f"--- {at}, {KINDS[message.kind]}: {message.title}"
            with (self._folder / f"{message.channel}.txt").open("a") as file:
                file.write(f"{head}\n\n{message.text}\n\n")
        self._n_read = len(messages)

    def ring(self, message: Message, fault: str, model: str) -> None:
        """Show the message of the fault on the phone, and note the time."""
        call = {
            "fault": fault,
            "model": model,
            "message_at": utc_now().isoformat(),
            "channel": message.channel,
            "title": message.title,
        }
        (self._folder / CALL).write_text(json.dumps(call))
        (self._folder / "phone.txt").write_text(f"{message.channel}: {message.title}\n")

    def note_configuration(self) -> None:
        """Take the present configuration for that which nobody edited."""
        self._configuration = (self._folder / "config.toml").read_text()

    def read_edits(self) -> None:
        """Note in the log that the configuration was edited."""
        if (self._folder / "config.toml").read_text() != self._configuration:
            self.note_configuration()
            with (self._folder / LOG).open("a") as log:
                log.write(f"{utc_now():%Y-%m-%dT%H:%M:%SZ} 0 edited config.toml\n")

    def wants_restart(self) -> bool:
        """Return whether the engineer starts the daemon again, once."""
        request = self._folder / RESTART
        if not request.exists():
            return False
        request.unlink()
        return True
