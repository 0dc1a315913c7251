"""Guidelines of the demo, as of the launch: without the topics that came later."""

from itertools import cycle, islice

from monitor.demo.request_generator import SYSTEM_PROMPT
from monitor.demo.topics import KNOWN_TOPICS, SLOTS, Topic
from monitor.review.guidelines.prompt_template import Template
from monitor.review.guidelines.taxonomy import EdgeCase, Example, TaskType, Taxonomy

#: The slots' first values, so that the guidelines are equal for every seed.
FILLED = {name: values[0] for name, values in SLOTS.items()}


def desk_guidelines() -> Taxonomy:
    """Return the task taxonomy: a task type for each entry of the app's menu."""
    template = Template(system_prompt=SYSTEM_PROMPT)
    following = islice(cycle(KNOWN_TOPICS), 1, None)
    return Taxonomy(
        task_types={
            topic.menu: _entry(topic, other, template)
            for topic, other in zip(KNOWN_TOPICS, following, strict=False)
        },
        default_template=template,
    )


def _entry(topic: Topic, other: Topic, template: Template) -> TaskType:
    return TaskType(
        name=topic.menu,
        title=topic.name.capitalize(),
        description="Requests under this menu entry when version 1 went live.",
        input_types=tuple(frame.format_map(FILLED) for frame in topic.frames[:3]),
        correct_output=f"The queue and the action, nothing else: `{topic.route}`",
        criteria=(
            "Accept if the request reaches the team that can do what the customer wants.",
            "Correct if another queue or action is needed: write that one.",
            "Reject if no queue should get it.",
        ),
        edge_cases=(
            EdgeCase(
                title="Wrong menu entry",
                guidance="Customers pick wrong entries. Route by the text of the request.",
                examples=(Example(other.frames[0].format_map(FILLED), other.route),),
            ),
        ),
        template=template,
    )
