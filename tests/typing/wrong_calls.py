"""Calls that people who come from elsewhere make, each of them an error to a type checker.

Never run: mypy reads it, and an `ignore` that it does not need is an error.
"""

from flask import Blueprint, Flask

from corecors import Policy
from corecors.adapters.bottle import CORSPlugin
from corecors.adapters.flask import CORS, cross_origin

app = Flask(__name__)
CORS(app, origins="*")  # type: ignore[call-arg]
CORS(app, resources={"/api/*": {}})  # type: ignore[call-arg]
CORS(app, supports_credentials=True)  # type: ignore[call-arg]
CORS(Blueprint("shop", __name__))  # type: ignore[arg-type]
app = CORS(app)  # type: ignore[assignment]
cross_origin()  # type: ignore[call-overload]
cross_origin(origins="*")  # type: ignore[call-overload]
Policy(origins="*")  # type: ignore[arg-type]
Policy("https://app.example.com")  # type: ignore[call-arg]
CORSPlugin()  # type: ignore[call-overload]
