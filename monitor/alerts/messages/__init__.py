"""Messages of incidents, decisions and gate results.

Homes of the sentences of an incident of drift:

- `monitor.windows.findings.sentences` and `.remarks`: findings, headline and remarks, written by
  the evaluation and stored in the assessment: a change shows from the next evaluation on.
- `monitor.rendering.wording`, `.response_changes`, `.events`, `.looks`: phrases for figures, which
  headline, page, Slack and terminal share.
- `text` in this package: the one text of an incident's message, of at most 80 words, which every
  channel shows; `incident`: the details of a window for its thread; `next_steps`.
- `monitor.alerts.present_findings`: what look and window find as of now, the worst first.
- `monitor.alerts.present_text`: since when, what changed, who has it, what to do.
- `monitor.alerts.drift_alarms`: the summary of the incident (`describe_drift`), stored in its row.
- `monitor.alerts.sending`: the message at the time of sending, made again or withdrawn.
"""
