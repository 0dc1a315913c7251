"""Actions of the buttons in Slack: the table of all, and their execution by the leader."""
