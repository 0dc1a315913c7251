"""Recipes for settings and packages."""

from tests.documentation.recipes.recipe import Edit, Mistake, Recipe, before

REVIEW, CONFIG = "monitor/settings/review.py", "config.toml"
SETTING = Recipe(
    title="A setting",
    edits=(
        before(REVIEW, "    audit_share:", "    reminder: Duration = timedelta(days=2)\n"),
        before(
            CONFIG,
            "review.audit_share",
            'review.reminder = "2d"  # when reviewers are asked again\n',
        ),
        before(
            "monitor/web/current_user.py",
            "    @property\n    def scope(self)",
            "    @property\n    def reminder(self) -> timedelta:\n"
            '        """The time after which reviewers are asked again."""\n'
            "        return self.settings.review.reminder\n\n",
        ),
    ),
    commands=("make docs",),
    tests=("tests/unit/settings/test_configuration.py",),
    mistake=Mistake(
        CONFIG,
        "review.reminder in config.toml",
        text='review.reminder = "3d"  # when reviewers are asked again\nreview.audit_share',
    ),
    own=frozenset({"monitor/web/current_user.py"}),
    other={
        "monitor/settings/models/table.py": "a setting that no model overrides",
    },
)
DEFAULT = Recipe(
    title="A default",
    edits=(
        Edit(
            REVIEW,
            "lease: Duration = timedelta(minutes=30)",
            "lease: Duration = timedelta(minutes=20)",
        ),
        Edit(CONFIG, 'review.lease = "30m"', 'review.lease = "20m"'),
        Edit("docs/explanation/review-workflow.md", "lease of 30 minutes", "lease of 20 minutes"),
    ),
    commands=("make docs",),
    tests=("tests/unit/settings/test_configuration.py", "tests/unit/test_documented_values.py"),
    mistake=Mistake(
        "docs/explanation/review-workflow.md", "review-workflow.md: review.lease is 20 minutes"
    ),
    own=frozenset({"docs/explanation/review-workflow.md"}),
    other={"retrain/recipes/recipe_file.py": "a key of a training recipe"},
)
PROJECT = "pyproject.toml"
DEPENDENCY = Recipe(
    title="A dependency",
    edits=(
        before(PROJECT, '    "zstandard>=0.23",\n]\n# Parquet', '    "tqdm>=4.67",\n'),
        before(
            "monitor/extras.py",
            '        "zstandard": "zstandard",\n',
            '        "tqdm": "tqdm",\n',
        ),
    ),
    tests=("tests/unit/test_extras.py",),
    mistake=Mistake("monitor/extras.py", "MODULES of monitor/extras.py"),
    other={
        "make lock": "the package is pinned: another brings it",
        "constraints.txt": "the package is pinned: another brings it",
    },
)
MAJOR = Recipe(
    title="A new major version of a dependency",
    edits=(
        Edit(PROJECT, '"threadpoolctl>=4",', '"threadpoolctl>=3.5",'),
        Edit("constraints.txt", "threadpoolctl==4.0.0", "threadpoolctl==3.8.0"),
    ),
    commands=("make lock",),
    tests=("tests/unit/test_repository.py::test_every_direct_dependency_is_pinned",),
    mistake=Mistake("constraints.txt", "constraints.txt pins threadpoolctl 3.8.0"),
    other={
        "requirements-models.txt": "a package of a model's code",
        "tests/installation": "installations, in drills",
    },
)
