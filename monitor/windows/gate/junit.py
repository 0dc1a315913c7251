"""Checks as JUnit XML, which CI systems show as a test report."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from monitor.rendering.excerpts import excerpt
from monitor.store.windows.assessment import Assessment
from monitor.windows.gate.checks import Check

SUITE = "driftwarden compare"
#: Characters of a text.
LIMIT = 600


def render_junit(assessment: Assessment, checks: Sequence[Check]) -> str:
    """Return a test suite with a case for each check.

    What the pipeline fails on is a failure. What is undecided, or isn't in ``--fail-on``, is
    skipped, with its sentence: neither is a pass. Control characters are left out.

    Reference: the schema junit-10.xsd of Jenkins' xUnit plugin.
    """
    states = [_state(check) for check in checks]
    counts = {
        "name": SUITE,
        "tests": str(len(checks)),
        "failures": str(states.count("failure")),
        "errors": "0",
        "skipped": str(states.count("skipped")),
        "time": "0",
    }
    root = Element("testsuites", counts)
    suite = SubElement(root, "testsuite", counts)
    if assessment.basis is not None:
        basis = assessment.basis
        properties = SubElement(suite, "properties")
        for name, value in (
            ("reference", f"{basis.reference.name} {basis.reference.digest}"),
            ("current", f"{basis.current.name} {basis.current.digest}"),
            ("encoder", basis.encoder),
            ("seed", str(basis.seed)),
        ):
            SubElement(properties, "property", name=name, value=excerpt(value, LIMIT))
    for check, state in zip(checks, states, strict=True):
        case = SubElement(
            suite, "testcase", classname=f"driftwarden.{check.kind}", name=check.name, time="0"
        )
        sentence = excerpt(check.sentence, LIMIT)
        if state == "failure":
            failure = SubElement(case, "failure", type=check.kind, message=sentence)
            failure.text = "\n".join([sentence, *_context(assessment)])
        elif state == "skipped":
            reason = "not enough data" if check.outcome == "undecided" else "not in --fail-on"
            SubElement(case, "skipped", message=f"{reason}: {sentence}")
        else:
            SubElement(case, "system-out").text = sentence
    SubElement(suite, "system-out").text = "\n".join(_context(assessment))
    indent(root)
    content: str = tostring(root, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{content}\n'


def _state(check: Check) -> str:
    if check.outcome == "failed" and check.is_gated:
        return "failure"
    return "" if check.outcome == "passed" else "skipped"


def _context(assessment: Assessment) -> list[str]:
    """Return the headline and the findings, a line each."""
    lines = (assessment.headline, *assessment.findings)
    return list(dict.fromkeys(excerpt(line, LIMIT) for line in lines))
