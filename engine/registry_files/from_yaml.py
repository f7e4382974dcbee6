"""A registry file in YAML, as rows."""

from engine.config.document import Document, Path_
from engine.config.problem import Problem
from engine.config.validate import YamlWhere, validated
from engine.registry_files.draft import Draft, OutletDraft, Permit, Row
from engine.registry_files.rows import OutletDoc, RegistryDoc


def draft_of(document: Document) -> tuple[Draft, list[Problem]]:
    """The rows of a registry file that can be used, and everything that is wrong with single rows."""
    draft = Draft()
    doc, document, problems = validated(document, RegistryDoc)
    for n, enterprise in enumerate(doc.enterprises if doc else []):
        here: Path_ = ("enterprises", n)
        draft.enterprises.append(Row(model=enterprise, where=YamlWhere(document=document, path=here)))
        for m, outlet in enumerate(enterprise.outlets):
            _add_outlet(draft, document, outlet, enterprise.id, (*here, "outlets", m))
    return draft, problems


def _add_outlet(draft: Draft, document: Document, outlet: OutletDoc, enterprise: str, path: Path_) -> None:
    where = YamlWhere(document=document, path=path)
    permit = None
    if outlet.permit:
        permit = Permit(row=outlet.permit, where=YamlWhere(document=document, path=(*path, "permit")))
    row = OutletDraft(row=outlet, labels=outlet.labels, permit=permit)
    draft.outlets.append(Row(model=row, owner=enterprise, where=where))

    def place(name: str, n: int) -> YamlWhere:
        return YamlWhere(document=document, path=(*path, name, n))

    draft.monitors.extend(Row(model=m, owner=outlet.id, where=place("monitors", n)) for n, m in enumerate(outlet.monitors))
    draft.factors.extend(Row(model=f, owner=outlet.id, where=place("factors", n)) for n, f in enumerate(outlet.factors))
    draft.limits.extend(Row(model=x, owner=outlet.id, where=place("limits", n)) for n, x in enumerate(outlet.limits))
