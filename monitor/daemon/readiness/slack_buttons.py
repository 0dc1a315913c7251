"""Check of the buttons in Slack."""

from monitor.daemon.readiness.finding import Finding, fail, note, ok, open_connection
from monitor.settings import Secrets, Sections

#: Of the bot token.
NEEDED_SCOPES = frozenset({"chat:write"})


def buttons_finding(settings: Sections, secrets: Secrets) -> Finding:
    """Check that presses of buttons arrive: token, Socket Mode, scopes, linked users."""
    if not secrets.slack_app_token.get_secret_value():
        return note("messages in Slack have no buttons; set SLACK_APP_TOKEN")
    if not secrets.slack_bot_token.get_secret_value():
        return fail("SLACK_APP_TOKEN is set, SLACK_BOT_TOKEN is not; set it")
    from monitor.alerts.actions.receiver import PressReceiver
    from monitor.alerts.actions.replies import SlackReplies
    from monitor.daemon.actions.table import ACTIONS
    from monitor.store.accounts.users import list_users
    from monitor.store.engine import make_engine

    missing = sorted(NEEDED_SCOPES - SlackReplies(secrets).scopes())
    if missing:
        return fail(
            f"the bot token lacks the scope {', '.join(missing)}; add it and install the app again"
        )
    with open_connection(settings) as connection:
        linked = sum(bool(user.active and user.slack_user_id) for user in list_users(connection))
    engine = make_engine(settings.database.url)
    receiver = PressReceiver(engine, secrets, ACTIONS)
    try:
        receiver.check()
    finally:
        receiver.close()
        engine.dispose()
    if not linked:
        return note(
            "Socket Mode connects, but no user is linked: `driftwarden accounts slack NAME ID`"
        )
    return ok(f"Socket Mode connects; {linked} linked users")
