"""Findings as annotations of GitHub Actions: lines that it shows next to the code.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Iterator

from corecors.cli.diagnosis import Diagnosis
from corecors.cli.terminal import printable


def annotation(level: str, message: str, *, title: str, file: str | None = None) -> str:
    """One annotation: `level` is "error", "warning" or "notice"."""
    where = "" if file is None else f"file={_property(file)},"
    return f"::{level} {where}title={_property(title)}::{_data(message)}"


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


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
