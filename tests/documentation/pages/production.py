"""Pages about a deployment: with Kafka, PostgreSQL and Slack."""

from urllib.request import urlopen

from sqlalchemy import create_engine, make_url, text

from bench.services.postgres import PostgresServer
from monitor.accounts.registration import create_user
from monitor.alerts.incidents import report
from monitor.settings import Alerts
from monitor.store.engine import make_engine, transaction
from tests.documentation.blocks import blocks_of
from tests.documentation.page import Page, Site
from tests.documentation.pages.exchange_files import exchanges, write
from tests.documentation.pages.site import PASSWORD, make_database
from tests.services.slack import CHANNEL, TOKEN, FakeSlack
from tests.support.present import utc_now

INSTALLED = "installs from a package index; tests/installation does so in fresh environments"
SYSTEMD = (
    "needs systemd as the first process; the unit: test_systemd_accepts_the_unit_and_its_exposure"
)
CLUSTER = "needs a cluster of Kubernetes; test_kubernetes_manifests reads these files"
MANY_BROKERS = '"kafka-1:9093,kafka-2:9093"'


def psycopg2(url: str, **changes: str) -> str:
    """Return an address of SQLAlchemy with changed parts."""
    return make_url(url).set(**changes).render_as_string(hide_password=False)


# ---- Run in production -------------------------------------------------------------------------


def in_production(site: Site) -> None:
    """Start PostgreSQL, Kafka with a topic, and Slack; write what the page imports."""
    server: PostgresServer = site.request.getfixturevalue("own_postgres")
    make_role(server)
    kafka = site.request.getfixturevalue("bootstrap_servers")
    topic = site.request.getfixturevalue("create_topic")()
    start_slack(site)
    site.fill |= {
        "driftwarden@db.internal/": f"driftwarden@127.0.0.1:{server.port}/",
        MANY_BROKERS: f'"{kafka}"',
        '"llm-traffic"': f'"{topic}"',
    }
    write(site.folder / "first-weeks.jsonl", exchanges(600, weeks=2))
    write(site.folder / "first-days-of-v2.jsonl", exchanges(400, weeks=1))


def make_role(server: PostgresServer) -> None:
    """Run the page's statements."""
    (block,) = [fence for fence in blocks_of(PRODUCTION.path) if fence.language == "sql"]
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in block.text.split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
    engine.dispose()
    site_url = psycopg2(server.url, username="driftwarden", database="driftwarden")
    PRODUCTION_URL.append(site_url)


#: Address of the page's database while the page is followed.
PRODUCTION_URL: list[str] = []


def start_slack(site: Site) -> FakeSlack:
    slack: FakeSlack = site.request.getfixturevalue("slack")
    site.environment |= {"SLACK_API_URL": slack.url, "SLACK_BOT_TOKEN": TOKEN}
    return slack


def open_incident(_site: Site) -> None:
    """Open an incident, and let grace accept her invitation."""
    engine = make_engine(PRODUCTION_URL[-1])
    now = utc_now()
    with transaction(engine) as connection:
        report(connection, "no_traffic", "support-router", now, text="silent", alerts=Alerts())
    engine.dispose()


def is_ready(site: Site) -> None:
    """See that the daemon is ready."""
    with urlopen(f"http://127.0.0.1:{site.port}/readyz") as response:
        assert response.status == 200


PRODUCTION = Page(
    "how-to/production.md",
    in_production,
    fill={
        '"SASL_SSL"': '"PLAINTEXT"',
        'kafka.sasl_mechanism = "SCRAM-SHA-512"': "",
        '"C0123456789"': f'"{CHANNEL}"',
        "snooze 12": "snooze 1",
        "resolve 12": "resolve 1",
    },
    listed={
        "CREATE ROLE": "statements of PostgreSQL: the test runs them in a server of its own",
        "kafka-acls": "needs Kafka's command-line tools and a broker with an authorizer",
        "install -m 644": SYSTEMD,
        "systemd-run": SYSTEMD,
        "kubectl create": CLUSTER,
        "kubectl exec": CLUSTER,
        "docker build": "needs Docker; the Dockerfile is linted",
        ".venv/bin/hf download": "needs the model hub",
    },
    applied=("models.support-router",),
    before={"driftwarden incidents list": open_incident},
    services={"driftwarden check && driftwarden run": is_ready},
)

# ---- Upgrade, back up --------------------------------------------------------------------------


def small_site(site: Site) -> None:
    """Make a database with some traffic."""
    make_database(site).dispose()
    write(site.folder / "config.toml", [])


def lose_the_database(site: Site) -> None:
    """Move the database away, with what SQLite lays beside it: a target must be empty."""
    (site.folder / "lost").mkdir()
    for path in site.folder.glob("driftwarden.db*"):
        path.rename(site.folder / "lost" / path.name)


def to_back_up(site: Site) -> None:
    small_site(site)
    site.fill["postgresql+psycopg2://driftwarden@db.internal/driftwarden"] = (
        site.request.getfixturevalue("postgres_empty_database")
    )


UPGRADE = Page(
    "how-to/upgrade.md",
    small_site,
    statuses={"driftwarden db downgrade": 2, "driftwarden db downgrade --discard-data": 0},
)
BACK_UP = Page(
    "how-to/back-up-and-restore.md",
    to_back_up,
    before={"driftwarden db restore backup.tar.gz                 #": lose_the_database},
)

# ---- Secure a deployment -----------------------------------------------------------------------


def with_roles(site: Site) -> None:
    url = site.request.getfixturevalue("own_postgres").url
    (site.folder / "config.toml").write_text(f'database.url = "{url}"\n', encoding="utf-8")
    engine = make_engine(url)
    from monitor.store.migrations import upgrade

    upgrade(engine)
    engine.dispose()
    site.fill["postgresql://owner@db.example/driftwarden"] = url.replace("+psycopg2", "")


SECURE = Page(
    "how-to/secure-the-deployment.md",
    with_roles,
    listed={
        "SLACK_BOT_TOKEN_FILE": "variables of a process; test_secret_files reads such files",
        "uv pip": "asks a package index for all pins",
    },
)

# ---- Alerts, people ----------------------------------------------------------------------------


def with_channel(site: Site) -> None:
    """Make a site that lacks a channel only: topic, database and baseline are there."""
    make_database(site).dispose()
    start_slack(site)
    kafka = site.request.getfixturevalue("bootstrap_servers")
    topic = site.request.getfixturevalue("create_topic")()
    site.configure(f'kafka.bootstrap_servers = "{kafka}"\nkafka.topic = "{topic}"\n')
    write(site.folder / "baseline.jsonl", exchanges(200, weeks=2))
    site.run("driftwarden baseline import baseline.jsonl")


ALERTS = Page(
    "how-to/alerts.md",
    with_channel,
    fill={'"C0123456789"': f'"{CHANNEL}"'},
    applied=("alerts.channel",),
)


def with_users(*names: str) -> object:
    """Return a preparation: users that the page expects."""

    def prepare(site: Site) -> None:
        engine = make_database(site)
        with transaction(engine) as connection:
            for name in names:
                create_user(connection, name, PASSWORD, "lead", utc_now())
        engine.dispose()

    return prepare


SLACK_BUTTONS = Page("how-to/slack-buttons.md", with_users("Lea"))
USERS = Page("how-to/users-and-sign-on.md", with_users("Ada"))
MONITOR = Page(
    "how-to/monitor-driftwarden.md",
    listed={
        "journalctl": "needs systemd's journal; "
        "test_the_daemon_from_the_topic_to_the_queue reads such lines",
    },
)
MANY_MODELS = Page("how-to/many-models.md")
LAUNCH_ELSEWHERE = Page("how-to/launch-elsewhere.md")


def has_next_steps(site: Site) -> None:
    """See that the file is there, and that the output says how to go on."""
    assert (site.folder / "my-site" / "config.toml").is_file()
    assert "driftwarden db upgrade" in site.outputs[-1]


INSTALL = Page(
    "how-to/install.md",
    listed={
        "make setup": INSTALLED,
        "make wheel": "tests/installation builds the wheel",
        "pip install": INSTALLED,
    },
    after={"driftwarden init": has_next_steps},
)

PAGES = (
    *(PRODUCTION, UPGRADE, BACK_UP, SECURE, ALERTS, SLACK_BUTTONS, USERS, MONITOR, MANY_MODELS),
    *(LAUNCH_ELSEWHERE, INSTALL),
)
