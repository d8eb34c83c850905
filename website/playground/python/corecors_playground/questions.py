"""One question: a policy and a request. What the server answers, what the browser does, why, and what to change."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from corecors import Door, PolicyError
from corecors._decisions.headers import EXPOSE_HEADERS
from corecors._policy.dangers import warnings
from corecors._policy.problems import advised, shown_value
from corecors.browser import Check, Credentials, SentRequest, Step, Verdict
from corecors.cli.course import Answer, Course, answer_of, asked, follow, header_of, origin_of
from corecors.cli.masking import Masker, masked_header
from corecors_playground.policy_text import TextError, is_python, read_policy_text

FIELDS = ("policy", "origin", "method", "url", "headers", "credentials")
MAX_LENGTH = 8_000  # characters, of each field but the policy
MAX_HEADERS = 100


class Unusable(ValueError):
    """A field whose text cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def answer(question: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a question whose keys are `FIELDS`.

    read_as: "TOML" or "Python". link: the question without its secrets, for the address. Then either unusable: the
    field that cannot be used, and why; or problems: why the policy is refused; or the course of the request.
    """
    read_as = "Python" if is_python(question["policy"]) else "TOML"
    said: dict[str, Any] = {"read_as": read_as, "link": without_secrets(question)}
    try:
        return {**said, **_answered(question)}
    except Unusable as error:
        return {**said, "unusable": {"field": error.field, "message": str(error)}}
    except TextError as error:
        return {**said, "unusable": {"field": "policy", "message": str(error)}}
    except PolicyError as error:
        return {**said, "problems": [_told(problem) for problem in error.problems]}


def without_secrets(question: Mapping[str, str]) -> dict[str, str]:
    """The question as a link may carry it: what a token, a cookie or a password was is masked."""
    masker = Masker()
    kept = {field: question[field] for field in FIELDS}
    kept["url"] = masker.text(question["url"])
    kept["headers"] = "\n".join(_masked(line) for line in question["headers"].splitlines())
    return kept


def _masked(line: str) -> str:
    name, colon, value = line.partition(":")
    return f"{name}{colon} {masked_header(name.strip(), value.strip())}" if colon else line


def _answered(question: Mapping[str, str]) -> dict[str, Any]:
    for field in FIELDS[1:]:
        if len(question[field]) > MAX_LENGTH:
            raise Unusable(field, f"That is longer than {MAX_LENGTH:,} characters.")
    governing = read_policy_text(question["policy"])
    headers = [header_of(line) for line in question["headers"].splitlines() if line.strip()]
    if len(headers) > MAX_HEADERS:
        raise Unusable("headers", f"More than {MAX_HEADERS} headers.")
    try:
        mode = Credentials(question["credentials"])
    except ValueError:
        raise Unusable("credentials", "The credentials mode is omit, same-origin or include.") from None
    url, path = question["url"].strip(), _path(question["url"].strip())
    door = Door(rejections=None)

    def ask(sent: SentRequest) -> Answer:
        return answer_of(door.decide(governing, asked(sent, path)), sent, path)

    course = follow(ask, url, origin_of(question["origin"].strip()), question["method"].strip() or "GET", headers, mode)
    return {
        "course": course.as_data(),
        "steps": _steps(course),
        "exposed": _exposed(course.verdict),
        "warnings": [_told(problem) for problem in warnings(governing)],
    }


def _path(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:  # brackets that are not an IPv6 address
        raise Unusable("url", "That is not an address.") from None


def _told(problem: Any) -> dict[str, str]:
    return {
        "code": problem.code,
        "says": f"{problem.field}: {shown_value(problem.value)} {problem.message}",
        "advice": advised(problem.fix),
    }


def _steps(course: Course) -> list[dict[str, Any]]:
    """What passes, in order: first what the browser looks at before it sends anything, then each exchange."""
    verdict = course.verdict
    checks = () if verdict is None else verdict.checks
    before = [_checked(check, verdict) for check in checks if check.exchange is None]
    steps: list[dict[str, Any]] = [{"checks": before}] if before else []
    for number, answer in enumerate(course.answers):
        steps.append(
            {
                "method": answer.sent.method,
                "url": answer.sent.url,
                "preflight": answer.sent.preflight,
                "sent": [list(line) for line in answer.sent.headers],
                "status": answer.received.status,
                "received": [list(line) for line in answer.received.headers],
                "allowed": answer.allowed,
                "explanation": answer.explanation,
                "checks": [_checked(check, verdict) for check in checks if check.exchange == number],
            }
        )
    return steps


def _checked(check: Check, verdict: Verdict | None) -> dict[str, str]:
    """A check and how it went. A browser stops at the first that fails; those after it are told as well."""
    failed = [] if verdict is None else [each for each in verdict.checks if not each.passed_in_practice]
    if check.step is Step.PREFLIGHT_DUE:
        went = "noted"
    elif check.passed:
        went = "passed"
    elif check.passed_in_practice:
        went = "laxer"
    else:
        went = "failed" if check is failed[0] else "also"
    return {"went": went, "says": check.explanation, "fix": check.fix, "section": check.section, "url": check.url}


def _exposed(verdict: Verdict | None) -> list[str] | None:
    """What the policy lets script read of the headers that an application adds; None where it gets no response."""
    if verdict is None or not verdict.readable_in_practice or not verdict.exchanges:
        return None
    return verdict.exchanges[-1].received.headers.tokens(EXPOSE_HEADERS)[0]
