"""What register.mjs is to servers in Node, for those in Python: notes the secrets that pass through one, in the same file.

What the suites print is searched for them by scan.mjs.
"""

import base64
import json
import os
import re
from urllib.parse import parse_qsl

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "names.json"), encoding="utf-8") as file:
    _SHARED = json.load(file)

_NAMES = frozenset(_SHARED["names"])
_LEAST = _SHARED["least"]
_known = set()


def note(value):
    """A secret, unless it is test data or a word."""
    if not isinstance(value, str) or len(value) < _LEAST or re.search(r"\s", value) or value in _known:
        return
    _known.add(value)
    path = os.environ.get("TOKENWELL_SECRETS")
    if path:
        # A line is written at once, whole, beside those of other processes.
        with open(path, "a", encoding="utf-8") as out:
            out.write(value + "\n")


def walk(value):
    """Whatever goes by a secret's name, however deep."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        if name in _NAMES:
            note(member)
        walk(member)


def body(text):
    """Of a request or an answer: JSON or a form."""
    try:
        walk(json.loads(text))
    except ValueError:
        walk(dict(parse_qsl(text)))


def authorization(value):
    """What a request authenticates itself with (RFC 9110 §11.6.2)."""
    scheme, _, given = (value or "").partition(" ")
    if scheme.lower() != "basic":
        return note(given)
    try:
        note(base64.b64decode(given).decode().partition(":")[2])
    except ValueError:
        pass


def cookie(header):
    """All that a Cookie header has."""
    for pair in (header or "").split(";"):
        note(pair.strip().partition("=")[2])
