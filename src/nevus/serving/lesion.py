"""One answer from several images of a lesion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nevus.bundle.schema import BundleManifest
from nevus.bundle.verdict import NOTICE, judge
from nevus.store.ids import new_id


def lesion_answer(manifest: BundleManifest, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Combine the rows of one lesion's images.

    The probabilities are the means over the images that are usable and not out of distribution, if there are any,
    else over the usable ones; the operating point was set on single images, where a mean is no less cautious than a
    vote. Where every image is unusable, so is the lesion; where every usable one is out of distribution, it is
    referred.
    """
    usable = [row for row in rows if row["probabilities"] is not None and row["verdict"] != "unusable"]
    near = [row for row in usable if "out_of_distribution" not in row["reasons"]]
    chosen = near or usable
    answer: dict[str, Any] = {
        "lesion_answer_id": new_id(),
        "images": len(rows),
        "usable_images": len(usable),
        "operating_point": rows[0]["operating_point"],
        "threshold": rows[0]["threshold"],
        "notice": NOTICE,
    }
    if not chosen:
        reasons = list(dict.fromkeys(reason for row in rows for reason in row["reasons"]))
        return answer | {
            "diagnosis": None,
            "probabilities": None,
            "p_malignant": None,
            "verdict": "unusable",
            "reasons": reasons,
            "reliable": False,
        }
    mean = {
        name: float(f"{math.fsum(row['probabilities'][name] for row in chosen) / len(chosen):.6g}")
        for name in chosen[0]["probabilities"]
    }
    p_malignant = min(1.0, math.fsum(mean[name] for name in manifest.malignant if name in mean))
    known = any(row[name] is not None for row in rows for name in ("age", "sex", "site"))
    judgement = judge(
        manifest,
        p_malignant=p_malignant,
        ood_score=None if near else math.inf,
        metadata_known=known,
    )
    return answer | {
        "diagnosis": max(mean, key=mean.__getitem__),
        "probabilities": mean,
        "p_malignant": float(f"{p_malignant:.6g}"),
        "verdict": judgement.verdict,
        "reasons": list(judgement.reasons),
        "reliable": judgement.reliable,
    }
