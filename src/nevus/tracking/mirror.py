"""The mirror of the registry in MLflow: one way, repeatable, for people who look there. The store is the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nevus.store import ModelVersion, State

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as Mirrored

ALIASES = (State.CHAMPION, State.CHALLENGER, State.CANDIDATE)
"""Aliases that nevus sets and takes away; of several candidates the newest has it."""
DIGEST = "nevus.bundle_digest"


@dataclass(frozen=True)
class MirrorReport:
    """What a pass changed: versions made, tags set, aliases set or taken away. All 0 where nothing was amiss."""

    created: int = 0
    tagged: int = 0
    aliased: int = 0

    def __add__(self, other: MirrorReport) -> MirrorReport:
        """Of two passes together."""
        return MirrorReport(self.created + other.created, self.tagged + other.tagged, self.aliased + other.aliased)

    @property
    def changed(self) -> bool:
        """Whether anything was."""
        return bool(self.created or self.tagged or self.aliased)


def mirror_models(client: MlflowClient, versions: Sequence[ModelVersion]) -> MirrorReport:
    """Make MLflow's registered models show these versions and states.

    An MLflow version belongs to the nevus version whose bundle's digest is in its tag; MLflow counts on its own, so
    that the numbers may differ (the tag `nevus.version` has ours). Versions that nevus didn't make are left alone.

    Args:
        client: of `mlflow_client.connect`.
        versions: all versions of the models that are to be mirrored.
    """
    made = tagged = aliased = 0
    for name in sorted({version.model for version in versions}):
        own = sorted((v for v in versions if v.model == name), key=lambda v: v.number)
        mirrored = _ours(client, name)
        for version in own:
            if version.bundle_digest not in mirrored:
                mirrored[version.bundle_digest] = _create(client, version)
                made += 1
        tagged += sum(_tag(client, mirrored[v.bundle_digest], _tags(v)) for v in own)
        aliased += _alias(client, name, own, mirrored)
    return MirrorReport(made, tagged, aliased)


def _ours(client: MlflowClient, name: str) -> dict[str, Mirrored]:
    """Digest -> MLflow's version. Two mirrors at once may have made two of one; the later ones go."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description="Mirrored from nevus, whose store decides.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found: dict[str, Mirrored] = {}
    token: str | None = None
    while True:
        page = client.search_model_versions(f"name = '{name}'", page_token=token)
        for version in sorted(page, key=lambda v: int(v.version)):
            digest = version.tags.get(DIGEST)
            if digest is None:
                continue
            keep, spare = sorted((found.get(digest, version), version), key=lambda v: int(v.version))
            found[digest] = keep
            if spare.version != keep.version:
                client.delete_model_version(name, spare.version)
        token = page.token
        if not token:
            return found


def _create(client: MlflowClient, version: ModelVersion) -> Mirrored:
    return client.create_model_version(
        version.model,
        version.bundle_uri,
        run_id=_known_run(client, version.tracking_run),
        tags={DIGEST: version.bundle_digest},
    )


def _known_run(client: MlflowClient, run_id: str | None) -> str | None:
    from mlflow.exceptions import MlflowException

    if run_id is None:
        return None
    try:
        return str(client.get_run(run_id).info.run_id)
    except MlflowException:  # tracked elsewhere
        return None


def _tags(version: ModelVersion) -> dict[str, str]:
    approval = version.approval
    return {
        DIGEST: version.bundle_digest,
        "nevus.version": str(version.number),
        "nevus.state": version.state.value,
        "nevus.task": version.task,
        "nevus.bundle_uri": version.bundle_uri,
        "nevus.gate_passed": str(version.gate_passed).lower(),
        "nevus.reasons": "; ".join(version.reasons)[:5000],
        "nevus.licence": version.licence,
        "nevus.commercial_use": str(version.commercial_use).lower(),
        "nevus.approved_by": approval.by if approval else "",
        "nevus.override": (approval.override or "") if approval else "",
    }


def _tag(client: MlflowClient, mirrored: Mirrored, tags: dict[str, str]) -> int:
    stale = {name: text for name, text in tags.items() if mirrored.tags.get(name, "") != text}
    for name, text in stale.items():
        client.set_model_version_tag(mirrored.name, mirrored.version, name, text)
    return len(stale)


def _alias(client: MlflowClient, name: str, versions: Sequence[ModelVersion], mirrored: dict[str, Mirrored]) -> int:
    present = {alias: str(number) for alias, number in client.get_registered_model(name).aliases.items()}
    changes = 0
    for state in ALIASES:
        holder = next((v for v in reversed(versions) if v.state is state), None)
        wanted = str(mirrored[holder.bundle_digest].version) if holder else None
        if present.get(state.value) == wanted:
            continue
        if wanted is None:
            client.delete_registered_model_alias(name, state.value)
        else:
            client.set_registered_model_alias(name, state.value, wanted)
        changes += 1
    return changes
