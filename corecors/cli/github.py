"""What the doctor found, as annotations of GitHub Actions."""

from collections.abc import Iterator

from corecors.cli.diagnosis import Diagnosis
from corecors.cli.terminal import annotation


def annotations_of(diagnoses: list[Diagnosis]) -> Iterator[str]:
    """The annotations of what the doctor found."""
    for diagnosis in diagnoses:
        masker = diagnosis.secrets()
        where = f"{diagnosis.examination.request.url} from {diagnosis.origin}"
        cause = diagnosis.cause
        if cause is not None:
            lines = "".join(f"\n{name}: {value}" for name, value in cause.lines)
            level = "warning" if diagnosis.only_by_the_standard else "error"
            text = f"{where}: {cause.says}\nFix: {cause.fix}{lines}"
            yield annotation(level, masker.text(text), title=f"CORS: {cause.code}")
        for hazard in diagnosis.hazards:
            level = "error" if hazard.serious else "warning"
            yield annotation(
                level, masker.text(f"{where}: {hazard.says}\nFix: {hazard.fix}"), title=f"CORS: {hazard.name}"
            )
