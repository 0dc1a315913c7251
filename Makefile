# `make help` lists the targets with a comment of two ##; what only a maintainer needs has one.
.DEFAULT_GOAL := help
.SHELLFLAGS := -eu -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What .venv is made from. The stamp has their checksum rather than a time: a clone, a worktree or a switch of
# branches changes times only.
INSTALLED_FROM := pyproject.toml constraints.txt requirements-models.txt scripts/make-venv.sh
CHECKSUM := $(shell cat $(INSTALLED_FROM) | cksum | tr ' ' -)
STAMP := $(VENV)/.installed

# Without compiled modules every child that trains spends 15 seconds on imports instead of 7.
unexport PYTHONDONTWRITEBYTECODE

# Two threads of small matrices cost more than they bring, and tests run beside Kafka and PostgreSQL.
TEST_ENVIRONMENT = OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} TOKENIZERS_PARALLELISM=false

# Each worker has a database server and a browser of its own; a file's tests stay together. Files
# in order: by number of tests the longest tests, alone in their files, would come last. Four keep two
# cores busy while some wait, and take 12 GB of memory at most.
WORKERS ?= 4
# Without a service there is nothing to wait for: one worker a core.
FAST_WORKERS ?= 2
IN_WORKERS = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | \
		awk -F ':.*## ' '{ printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2 }'

.PHONY: setup
setup: $(if $(filter-out $(shell cat $(STAMP) 2>/dev/null),$(CHECKSUM)),venv) ## Make .venv with all dependencies (PYTHON=python3.12; TORCH_INDEX_URL=... of builds without CUDA)

.PHONY: venv
venv:
	@PYTHON=$(PYTHON) TORCH_INDEX_URL=$(TORCH_INDEX_URL) scripts/make-venv.sh
	@echo '$(CHECKSUM)' > $(STAMP)

.PHONY: demo
demo: setup ## Run the whole loop on embedded defaults (TRAFFIC=file.jsonl BASELINE=file.jsonl: on yours)
	@$(BIN)/driftwarden demo $(if $(TRAFFIC),--traffic '$(TRAFFIC)') $(if $(BASELINE),--baseline '$(BASELINE)')

.PHONY: demo-fast
demo-fast: setup # The same with a tiny language model, for CI
	@$(BIN)/driftwarden demo --fast

.PHONY: test
test: setup ## Run all tests, with a real Kafka, PostgreSQL and browser where they can be had (WORKERS=4)
	@$(TEST_ENVIRONMENT) $(BIN)/pytest $(IN_WORKERS) $(PYTEST_ARGS)

.PHONY: test-fast
test-fast: setup ## Run the fast tests that need no service and no language model, in under a minute
	@$(TEST_ENVIRONMENT) $(BIN)/pytest -n $(FAST_WORKERS) --dist worksteal tests/unit tests/statistics \
		-m 'not language_model and not drill and not slow' --durations=5 --durations-min=1 $(PYTEST_ARGS)

.PHONY: test-changed
test-changed: setup ## Run the tests that your change touches, nearest first (BASE=main LIMIT=60: processor seconds)
	@$(TEST_ENVIRONMENT) $(BIN)/python scripts/changed_tests.py $(if $(BASE),--base $(BASE)) \
		$(if $(LIMIT),--limit $(LIMIT)) $(PYTEST_ARGS)

.PHONY: drills
drills: WORKERS = 3
drills: setup ## Run the long forms of tests: trials of level and power, kills under load, fresh installations
	@$(TEST_ENVIRONMENT) $(BIN)/pytest $(IN_WORKERS) -m drill --timeout 3600 $(PYTEST_ARGS)

.PHONY: wheel
wheel: setup ## Build the wheel and the source distribution into dist/
	@$(BIN)/python -m hatchling build -d dist

.PHONY: migration
migration: setup ## Write the migration to the declared tables (NAME="add nickname": of a new one)
	@$(BIN)/python -m scripts.write_migration --name '$(NAME)'

.PHONY: snapshots
snapshots: setup ## Rewrite the snapshots of wording; review the difference as text
	@$(TEST_ENVIRONMENT) $(BIN)/pytest -q -k snapshot --snapshot-update $(PYTEST_ARGS)

.PHONY: fuzz
fuzz: setup # Mutate the records of the fixtures and decode them (SECONDS=300 SEED=1)
	@$(BIN)/python -m tests.fuzz.records --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

.PHONY: night
night: setup # Fail Kafka, the database, the leader and Slack in turn, in 55 minutes; show what is told to whom
	@$(TEST_ENVIRONMENT) $(BIN)/python -m tests.soak.night

.PHONY: game-days
game-days: setup ## Play drawn faults on a driven clock; judge what is told to whom (SEED=1 N=200; ORDINARY=1: a month without)
	@$(TEST_ENVIRONMENT) $(BIN)/python -m tests.game_days --seed $(or $(SEED),1) --faults $(or $(N),200) \
		$(if $(ORDINARY),--ordinary)

.PHONY: rehearsal
rehearsal: setup ## Run a live site with a fault for an engineer on call, and time the right first action (FAULT="traffic stops")
	@$(TEST_ENVIRONMENT) $(BIN)/python -m tests.game_days.live $(if $(FAULT),--fault '$(FAULT)')

.PHONY: soak
soak: setup # Kill, stop and cut all under load; show one row per record (SEED=1 KILLS=55 DURATION=540)
	@$(TEST_ENVIRONMENT) $(BIN)/python -m tests.soak --seed $(or $(SEED),1) \
		--kills $(or $(KILLS),55) --seconds $(or $(DURATION),540)

.PHONY: endurance
endurance: setup # Hold the highest rate for an hour, a replica killed every minute; show memory and bloat (MINUTES=60)
	@$(TEST_ENVIRONMENT) $(BIN)/python -m tests.soak.endurance --minutes $(or $(MINUTES),60)

# Each by itself, so that one fault hides no other: `make check-lint`. mypy takes as long as all others
# together several times over, so it begins first.
CHECKS := types format lint imports dockerfile tracked-files vocabulary reference benchmarks
.PHONY: check $(CHECKS:%=check-%)
check: setup ## Format, lint, types, layers, vocabulary, Dockerfile, tracked files, reference, old figures
	@mkdir -p build
	@{ $(MAKE) --no-print-directory --keep-going --jobs 2 --output-sync=target $(CHECKS:%=check-%) 2>&1 \
		&& echo 'All checks passed'; } | tee build/check.log
	@sed -n 's/.*\*\*\* \[.*: \(check-[a-z-]*\)\] Error.*/Failed: make \1/p' build/check.log
	@tail -n 1 build/check.log | grep -qx 'All checks passed'

check-types:
	$(BIN)/mypy

check-format:
	$(BIN)/ruff format --check .

check-lint:
	$(BIN)/ruff check .

check-imports:
	$(BIN)/lint-imports

check-dockerfile:
	$(BIN)/hadolint docker/Dockerfile

check-tracked-files:
	$(BIN)/python scripts/check_tracked_files.py

check-vocabulary:
	$(BIN)/python scripts/check_vocabulary.py

check-reference:
	$(BIN)/python scripts/write_reference.py --check

check-benchmarks:
	$(BIN)/python scripts/check_benchmarks.py

.PHONY: format
format: setup ## Format the code and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: docs
docs: setup ## Rewrite what is generated: reference pages, tables of pages, roles of PostgreSQL
	@$(BIN)/python scripts/write_reference.py

.PHONY: screenshots
screenshots: setup # Remake the pictures in docs/images (needs Chromium)
	@$(BIN)/driftwarden demo --fast --folder build/screenshots
	@MONDAY_PICTURES=docs/images $(BIN)/pytest -q -n 0 tests/end_to_end/pages/test_leads_monday.py
	@$(BIN)/python tests/screenshots/__main__.py --demo build/screenshots
	@$(BIN)/python -m tests.screenshots.slack_message docs/images/slack-incident.png

.PHONY: bench
bench: setup ## Measure against the goals, and write the figures of docs/benchmarks.md (AREA=drift: one area)
	@$(BIN)/python -m bench $(AREA)

.PHONY: lock
lock: setup # Write the versions that are installed now to constraints.txt
	@$(BIN)/uv pip freeze --python $(BIN)/python --exclude-editable > $(VENV)/frozen.txt
	@grep -vE '^(driftwarden|pip)( |=)' $(VENV)/frozen.txt > constraints.txt
	@echo "constraints.txt: $$(wc -l < constraints.txt) packages"

.PHONY: sbom
sbom: setup # Write the software bill of materials (CycloneDX) to build/sbom.cdx.json
	@$(BIN)/python scripts/write_sbom.py

.PHONY: audit
audit: setup # Search for known vulnerabilities of the pinned packages; 75: no database can be asked
	@$(BIN)/python scripts/audit_dependencies.py $(if $(OSV_URL),--osv-url $(OSV_URL))

.PHONY: release
release: setup ## Prepare the release: version, changelog, dist/, checks of it; no tag, no upload (RELEASING.md)
	@$(BIN)/python -m scripts.release

.PHONY: clean
clean: ## Remove caches and build output; .venv and databases stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
