"""What people have when something fails: a message of the console, or the request copied as a curl command."""

import re
from typing import Any

from corecors.cli.curl_command import CurlError, read_curl
from corecors.cli.explanations import Explanation, as_data, explanation_of
from corecors.cli.masking import Masker, masked_header
from corecors.cli.page_request import from_curl

MAX_LENGTH = 100_000  # characters; a copied request with its cookies has some thousand
CURL = re.compile(r"(?:\S*[/\\])?curl(?:\.exe)?\s", re.IGNORECASE)
METHOD = re.compile(r"Method (\S+) is not allowed by Access-Control-Allow-Methods")


def read_pasted(text: str) -> dict[str, Any]:
    """What `text` says.

    fields: those of a question that it fills, without the secrets in it. left_out: for a command, names of headers that
    the browser adds by itself. message: for a message, what it means. unusable: why it says nothing.
    """
    if len(text) > MAX_LENGTH:
        return {"unusable": f"That is longer than {MAX_LENGTH:,} characters."}
    if CURL.match(text.strip() + " "):
        try:
            return _from_command(text)
        except CurlError as error:
            return {"unusable": f"That is a curl command, and {error}."}
    explanation = explanation_of(text)
    if explanation is None:
        return {
            "unusable": "That is neither a curl command nor a browser's message about CORS. In the browser's network "
            "panel, choose “Copy as cURL” on the request; or copy the red lines of the console."
        }
    return {"fields": _fields_of(explanation, text), "message": as_data(explanation)}


def _from_command(text: str) -> dict[str, Any]:
    page, masker = from_curl(read_curl(text)), Masker()
    fields = {
        "url": masker.text(page.url),
        "method": page.method,
        "headers": "\n".join(f"{name}: {masked_header(name, value)}" for name, value in page.headers),
        "credentials": "include" if page.credentials else "same-origin",
    }
    if page.origin is not None:
        fields["origin"] = page.origin
    return {"fields": fields, "left_out": [name for name, _ in page.own]}


def _fields_of(explanation: Explanation, text: str) -> dict[str, str]:
    fields = {}
    if explanation.url:
        fields["url"] = Masker().text(explanation.url)
    if explanation.origin:
        fields["origin"] = explanation.origin
    if explanation.header:
        fields["headers"] = f"{explanation.header}: x"
    if "credentials" in explanation.topic.name:
        fields["credentials"] = "include"
    method = METHOD.search(text)
    if method:
        fields["method"] = method[1]
    return fields
