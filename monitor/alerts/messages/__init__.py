"""Messages of incidents, decisions and gate results.

Homes of the sentences of an incident of drift:

- `monitor.windows.findings.sentences` and `.remarks`: findings, headline and remarks, written by
  the evaluation and stored in the assessment: a change shows from the next evaluation on.
- `monitor.rendering.wording`, `.response_changes`: phrases for figures, which headline, page,
  Slack and terminal share.
- `incident` in this package: sections of the message and of its thread, and its next steps.
- `monitor.alerts.parent_message`: the state of the incident (`describe_state`), as of the message.
- `monitor.alerts.drift_incidents`: the summary of the incident (`describe_drift`), stored in
  its row.

A message is rendered when it is written to the outbox, and again when it is sent
(`monitor.alerts.sending`), and stored so.
"""
