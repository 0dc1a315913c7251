"""All recipes that a test follows, and the reason of each that it doesn't."""

from tests.documentation.recipes.of_pages import CAUSE, PAGE, SENTENCE
from tests.documentation.recipes.of_rollouts import CHECK, RECORD
from tests.documentation.recipes.of_settings import DEFAULT, DEPENDENCY, MAJOR, SETTING
from tests.documentation.recipes.of_traffic import COLUMN, DESCRIPTOR, FORMAT

RECIPES = (
    *(SETTING, DEFAULT, FORMAT, DESCRIPTOR, CAUSE, SENTENCE, CHECK, COLUMN, RECORD, PAGE),
    *(DEPENDENCY, MAJOR),
)
#: Title -> what holds it instead.
UNFOLLOWED = {
    "A finding": "a call, held by tests/unit/windows/test_findings_property.py",
    "A release": "tests/unit/scripts/test_release.py takes the steps of RELEASING.md",
    "A gateway": "a page with a kit of tests, which five gateways pass",
    "A secret": "a field and a variable, compared by tests/unit/settings",
    "A command": "a function and a line, compared by tests/unit/cli",
    "A shape of files": "its table, page and fixtures are compared by tests/unit/input_files",
    "A built-in metric": "a line and a row, compared by tests/unit/test_listed_measures.py",
    "A measurement": "three places, compared by tests/unit/bench/test_results.py",
    "A hot path": "counts, held by tests/integration/test_hot_paths.py",
    "A kind of channel of alerts": "two lines, compared by tests/unit/alerts/test_channels.py",
    "An action of a button in Slack": "a row of a table, whose types are checked",
    "A metric, and an alert on it": "promtool runs the rules of each",
    "A word that is stored": "tests/integration/test_values_of_newer_release.py tries it",
    "A line of the log": "a rule rather than places",
    "A column with a NOT NULL default": "a rule rather than places",
    "The look of the page": "pictures, which people compare",
    "A file that the wheel carries": "tests/installation/test_wheel.py compares the places",
    "A decision": "tests/unit/test_decision_records.py compares the places",
}
