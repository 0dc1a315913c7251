"""Names that columns of exchanges commonly have, for a guess."""

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^a-z0-9]+")

#: Names of a prompt, the best tier first. Two names of a tier are ambiguous.
PROMPTS = (
    ("prompt",),
    (
        *("question", "query", "input", "instruction", "request", "messages", "human"),
        *("user_message", "user_prompt", "user_input", "user_query", "user_question", "user_text"),
        *("user_request", "input_text", "input_prompt", "input_message", "prompt_text"),
        *("question_text", "query_text", "human_message", "customer_message", "inputs", "ask"),
    ),
    ("text", "message", "utterance", "content", "body"),
)
#: Names of a response. Those of what it should be (``reference``, ``expected_output``, ``target``)
#: are not among them. ``answer`` is also the name of a reference answer, so that a model's own
#: output is the better one.
RESPONSES = (
    ("response",),
    (
        *("completion", "generation", "output", "reply", "prediction", "assistant", "outputs"),
        *("model_response", "model_output", "model_answer", "model_reply", "model_completion"),
        *("llm_response", "llm_output", "llm_answer", "ai_response", "ai_message", "ai_output"),
        *("assistant_message", "assistant_response", "assistant_reply", "assistant_answer"),
        *("bot", "bot_response", "bot_message", "bot_reply", "chatbot_response", "agent_response"),
        *("output_text", "response_text", "completion_text", "reply_text", "generated_text"),
        *("generated_response", "generated_answer", "generated_output", "predicted_answer"),
    ),
    ("answer", "answer_text"),
)
#: Names of an instruction that all prompts share.
SYSTEMS = ("system", "system_prompt", "system_message")
USERS = (
    *("user", "user_id", "userid", "end_user", "end_user_id", "customer_id", "customer"),
    *("username", "user_name", "account_id", "member_id", "client_id"),
    *("session", "session_id", "sessionid", "conversation_id", "thread_id", "chat_id"),
    *("dialog_id", "dialogue_id"),
)
IDS = (
    *("id", "request_id", "message_id", "exchange_id", "uuid", "record_id", "trace_id", "run_id"),
    *("log_id", "event_id", "example_id", "row_id"),
)
TIMES = (
    *("timestamp", "created_at", "created", "time", "datetime", "date", "ts", "request_time"),
    *("requested_at", "start_time", "started_at", "event_time", "logged_at", "occurred_at"),
    *("sent_at", "inserted_at", "created_time", "created_date", "creation_time"),
)
TASKS = (
    *("task_type", "category", "task", "intent", "topic", "label", "class", "use_case"),
    *("question_type", "prompt_type", "domain"),
)
#: Names of retrieved texts, which are the metadata ``context``.
CONTEXTS = (
    *("context", "contexts", "retrieved_context", "retrieved_contexts", "retrieved_documents"),
)
MODELS = ("model", "model_name", "model_id", "llm", "engine", "deployment")
#: Metadata that is kept as text, as the plain format names it.
VERSIONS = ("model_version",)
#: Names of a row's number, and ends of names of ids and times: no metrics.
_ROW_NUMBERS = re.compile(
    r"(index|idx|row|row_number|row_num|number|no|unnamed_\d+|index_level_\d+)"
)
_ID_ENDS = re.compile(r"(^|_)(id|ids|uuid|guid|key|hash|index|idx|at|timestamp|ts|date|seed|zip)$")


def normalize(name: str) -> str:
    """Return a name in snake case: ``userMessage`` and ``User Message`` are ``user_message``."""
    return _SEPARATORS.sub("_", _CAMEL.sub("_", name).lower()).strip("_")


def is_metric_name(name: str) -> bool:
    """Return whether numbers under a normalized name may be a metric: no id, time or row number."""
    return _ROW_NUMBERS.fullmatch(name) is None and _ID_ENDS.search(name) is None
