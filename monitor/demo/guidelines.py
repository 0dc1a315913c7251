"""The desk's guide: what the bank wrote down at the launch, and so nothing of what came later."""

from itertools import cycle, islice

from monitor.demo.request_generator import SYSTEM_PROMPT
from monitor.demo.topics import KNOWN_TOPICS, SLOTS, Topic
from monitor.review.guidelines.prompt_template import Template
from monitor.review.guidelines.taxonomy import EdgeCase, Example, TaskType, Taxonomy

#: The slots' first values, so that the guide is the same for every seed.
FILLED = {name: values[0] for name, values in SLOTS.items()}


def desk_guidelines() -> Taxonomy:
    """Return the taxonomy that the experts judge by: an entry for each entry of the app's menu."""
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
        description="What customers tapped this entry of the menu for, when version 1 went live.",
        input_types=tuple(frame.format_map(FILLED) for frame in topic.frames[:3]),
        correct_output=f"The queue and the action, nothing else: `{topic.answer}`",
        criteria=(
            "Accept where the request would reach the people who can do what was asked.",
            "Correct where another queue or another action is needed: write that one.",
            "Reject where no queue should get it.",
        ),
        edge_cases=(
            EdgeCase(
                title="It came under the wrong entry",
                guidance="The entry is only where the customer tapped. Route what was asked.",
                examples=(Example(other.frames[0].format_map(FILLED), other.answer),),
            ),
        ),
        template=template,
    )
