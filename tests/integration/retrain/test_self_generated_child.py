"""Self-generated replay with a tiny model that trains on its own responses."""

import json
import time
from pathlib import Path

import msgspec
import pytest

from monitor.settings import TrainingData
from retrain.data import DataChecks, build_training_set
from retrain.data.training_set import read_card
from retrain.jobs.local_launcher import SubprocessLauncher
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, read_json, read_lines, write_json
from tests.services.warm_interpreter import warm_children  # noqa: F401
from tests.support.retrain.tiny_model import NEW, OLD, example, examples, tiny_base  # noqa: F401
from tests.support.retrain.training_rows import sources

pytestmark = [
    pytest.mark.language_model,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("warm_children"),
]


def prepare(folder: RunFolder, base: Path, **recipe: object) -> Recipe:
    prompts = [
        {"messages": example(OLD, number)["messages"][:1], "metadata": {"task_type": "cards"}}
        for number in range(40)
    ]
    made = build_training_set(
        examples(NEW, 40), [], replay_share=0.3, seed=1, replay_prompts=prompts,
        checks=DataChecks(rules=TrainingData(validation_share=0.2), max_new_tokens=16),
    )  # fmt: skip
    requested = Recipe(
        **{
            "base": str(base), "epochs": 1.0, "learning_rate": 1e-2, "batch_size": 8,
            "max_length": 64, "rank": 4, **recipe,
        }
    )  # fmt: skip
    folder.root.mkdir(parents=True)
    write_json(folder.recipe, msgspec.to_builtins(requested))
    made.write(folder)
    return requested


def run(folder: RunFolder) -> dict[str, object]:
    launcher = SubprocessLauncher()
    handle = launcher.submit(folder, {"OMP_NUM_THREADS": "1"})
    while launcher.status(handle) == "running":
        time.sleep(0.1)
    result = read_json(folder.result)
    assert result is not None, launcher.logs(folder, 50)
    return result


def test_the_model_responses_before_it_trains(tmp_path: Path, tiny_base: Path) -> None:  # noqa: F811
    folder = RunFolder(tmp_path / "run")
    prepare(folder, tiny_base)
    result = run(folder)
    assert result["status"] == "succeeded"
    rows, held = list(read_lines(folder.training_data)), list(read_lines(folder.validation_data))
    card = read_card(folder)
    assert card is not None
    assert card.self_generated is not None
    assert card.self_generated.n_usable == sources(rows + held)["self-generated"] == 17
    assert result["n_examples"] == len(rows) == card.n_examples
    assert read_json(folder.adapter / "lineage.json")["data_digest"] == card.digest
    for name in ("dataset.json", "dataset.md"):
        assert (folder.adapter / name).read_bytes() == (folder.root / name).read_bytes()
    responses = [
        row["messages"][-1]["content"]
        for row in rows
        if row["metadata"]["source"] == "self-generated"
    ]
    assert all(": " in response for response in responses)  # as all that the tiny base can say
    assert {read_line["unusable"] for read_line in read_lines(folder.replay_responses)} == {""}


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_the_same_model_gives_the_same_responses(
    tmp_path: Path,
    tiny_base: Path,  # noqa: F811
    method: str,
) -> None:
    from retrain.data.self_generated import add_self_generated
    from retrain.data.token_counts import TokenCounter
    from retrain.models.base_model import BaseModel, load_tokenizer
    from retrain.training.replay_generation import load_for_replay, replay_progress

    contents = []
    for name in ("one", "two"):
        folder = RunFolder(tmp_path / name)
        recipe = prepare(folder, tiny_base, method=method)
        counter = TokenCounter(load_tokenizer(BaseModel(str(tiny_base), "")))
        add_self_generated(folder, recipe, load_for_replay, counter, replay_progress(folder))
        contents.append((folder.training_data.read_bytes(), folder.card.read_bytes()))
        beat = read_json(folder.heartbeat) or {}
        assert (beat["phase"], beat["step"], beat["steps"]) == ("generating", 22, 22)
    assert contents[0] == contents[1]
    assert json.loads(contents[0][1])["by_source"]["self-generated"] > 0


def test_unfinished_response_is_reported(tiny_base: Path) -> None:  # noqa: F811
    from retrain.models.generation import Responder

    requested = [example(OLD, 1)["messages"][:1]]
    (whole,) = Responder(tiny_base, max_new_tokens=16).generate(requested)
    (cut,) = Responder(tiny_base, max_new_tokens=1).generate(requested)
    assert (whole[1], cut[1]) == (True, False)
    assert Responder(tiny_base, max_new_tokens=16).respond(requested) == [whole[0]]


def test_a_common_beginning_changes_no_response(tiny_base: Path) -> None:  # noqa: F811
    from retrain.models.generation import Responder
    from retrain.models.response import log_probability_of

    words = "You are the desk of a bank, and each customer gets a short and friendly response."
    prompts = [kind[0].format(number) for kind in (OLD, NEW) for number in range(4)]
    prompts += ["hi", "ok " * 40, "", words]
    heads = [{"role": "system", "content": words}], [{"role": "system", "content": words[:30]}], []
    conversations = [
        [*head, {"role": "user", "content": prompt}] for prompt in prompts for head in heads
    ]
    responder = Responder(tiny_base, max_new_tokens=8)
    together = responder.respond(conversations)
    alone = [responder.respond([conversation])[0] for conversation in conversations]
    assert alone == together
    assert [log_probability_of(text) for text in alone] == pytest.approx(
        [log_probability_of(text) for text in together], abs=1e-4
    )


def test_a_prefix_of_a_sliding_window_is_not_shared() -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

    from retrain.models.shared_prefix import compute_prefix

    shape = {
        "vocab_size": 32, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8,
    }  # fmt: skip
    sliding = MistralForCausalLM(MistralConfig(**shape, sliding_window=4)).eval()
    whole = LlamaForCausalLM(LlamaConfig(**shape)).eval()
    with torch.inference_mode():
        assert compute_prefix(sliding, range(20), 3) is None
        assert compute_prefix(whole, range(20), 3).get_seq_length() == 20


def test_probability_of_a_response_is_the_models(tiny_base: Path) -> None:  # noqa: F811
    """A batch pads the shorter responses; padding doesn't count."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from retrain.models.generation import Responder
    from retrain.models.response import log_probability_of

    prompts = [kind[0].format(number) for kind in (OLD, NEW) for number in range(3)] + ["hi", "?"]
    conversations = [[{"role": "user", "content": prompt}] for prompt in prompts]
    responses = Responder(tiny_base, max_new_tokens=12).respond(conversations)
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    model = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.float32).eval()
    for conversation, response in zip(conversations, responses, strict=True):
        text = tokenizer.apply_chat_template(
            conversation, tokenize=False, add_generation_prompt=True
        )
        start = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            whole = model.generate(
                start, max_new_tokens=12, do_sample=False, eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )  # fmt: skip
            logs = model(whole).logits.log_softmax(-1)
        steps = logs[0, start.shape[1] - 1 : -1].gather(1, whole[0, start.shape[1] :, None])
        assert log_probability_of(response) == pytest.approx(float(steps.sum()), abs=1e-3)
