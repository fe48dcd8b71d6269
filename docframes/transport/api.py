"""What a vendor room declares about its API: facts, assumptions and endpoints.  Values only, no calls."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from docframes.errors import ConfigError
from docframes.transport.auth import ApiKey
from docframes.transport.limits import DEFAULT_RULE, QuotaLimit, RateLimit
from docframes.transport.paging import Paging, Single

T = TypeVar("T")

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: Lifetime of an answer that must not be kept.
NEVER_KEPT = 0.0


@dataclass(frozen=True)
class Assumption:
    """A guess about an API that its public pages do not settle."""

    value: Any  #: what is taken for true until somebody knows better
    meaning: str  #: what it is about, in a few words
    where: str = ""  #: section of the vendor's contract, or its id in the register of assumptions
    parts: bool = False  #: the value maps names to settings, each of which may be replaced alone


@dataclass(frozen=True)
class Assumed:
    """Stands in a declaration for the value of the assumption *name*; see :func:`resolve`."""

    name: str  #: ``A13.largest`` is the part ``largest`` of the assumption ``A13``


def assumed(name: str) -> Any:
    """The value of the assumption *name*, which a user may have overridden, once a client is made."""
    return Assumed(name)


@dataclass(frozen=True)
class Endpoint:
    """One kind of call."""

    name: str
    path: str  #: below the base URL, with ``{placeholders}``
    #: Dotted path to the rows in the answer, or to the one object; several are tried in order; None is the answer.
    items: str | tuple[str, ...] | None = None
    paging: Paging = field(default_factory=Single)
    lifetime: float = 5 * MINUTE  #: seconds an answer may be served from the cache; only GET answers are kept
    method: str = "GET"
    rule: str = DEFAULT_RULE  #: which of the API's rates it falls under
    links: bool = False  #: the answer holds signed links that are wanted as they are: not redacted, never kept
    repeatable: bool = False  #: a POST that changes nothing, and so may be tried again
    accepts: tuple[int, ...] = (200,)  #: statuses that are an answer and no error
    headers: Mapping[str, str] = field(default_factory=dict)  #: besides ``Accept``

    @property
    def kept(self) -> bool:
        """Whether the cache keeps its answers."""
        return self.method == "GET" and self.lifetime > 0 and not self.links


@dataclass(frozen=True)
class Api:
    """One vendor's API, as far as it is known."""

    vendor: str
    base_url: str
    endpoints: Mapping[str, Endpoint]
    assumptions: Mapping[str, Assumption]
    key_made_at: str  #: where a user makes the key, in words
    auth: ApiKey = field(default_factory=lambda: ApiKey("Authorization"))  #: for rooms whose credential is one key
    request_id: str = "request_id"  #: dotted path, in an error's body, to the handle for support
    error_text: tuple[str, ...] = (
        "error",
    )  #: dotted paths, in an error's body, to the message; the first that is there
    error_code: str = ""  #: dotted path to the machine-readable code, where there is one
    error_place: str = ""  #: dotted path to what of the request was refused, where there is one
    credentials: tuple[str, ...] = ("api_key",)  #: arguments of the room's client that hold the credential
    #: Codes with advice of their own.  One is found wherever it stands in an error's body, if not at ``error_code``.
    error_codes: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, RateLimit] = field(default_factory=dict)  #: by rule
    quota: QuotaLimit | None = None
    accept: str = "application/json"
    answer_headers: tuple[str, ...] = ()  #: answer headers that paging reads, and so the cache keeps
    advice: Mapping[int, str] = field(default_factory=dict)  #: by status: what a refusal means here, and what to do

    def with_assumptions(self, overrides: Mapping[str, Any]) -> Api:
        """This API with some guesses replaced; a name that is not in the register is refused.

        Of a guess that has parts, those named are replaced: ``{"A13": {"largest": 500}}`` or ``{"A13.largest": 500}``.
        """
        register = dict(self.assumptions)
        for name, value in overrides.items():
            entry, _, part = (name, "", "") if name in register else name.partition(".")
            if entry not in register:
                raise ConfigError(_unknown_assumption(name, self))
            if register[entry].parts:
                value = _with_parts(name, register[entry].value, {part: value} if part else value)
            elif part:
                raise ConfigError(f"The assumption {entry!r} has no parts; replace it as a whole.")
            register[entry] = dataclasses.replace(register[entry], value=value)
        return dataclasses.replace(self, assumptions=register)

    def value(self, name: str) -> Any:
        """The value of an assumption, or of a part of one."""
        return _value(name, {key: assumption.value for key, assumption in self.assumptions.items()})

    def endpoint(self, name: str) -> Endpoint:
        """An endpoint with its assumptions filled in."""
        values = {key: assumption.value for key, assumption in self.assumptions.items()}
        return resolve(self.endpoints[name], values)


def resolve(declaration: T, values: Mapping[str, Any]) -> T:
    """*declaration*, a dataclass, with every :class:`Assumed` in it and below it replaced by its value."""
    changes: dict[str, Any] = {}
    for item in dataclasses.fields(declaration):  # type: ignore[arg-type]
        value = getattr(declaration, item.name)
        if isinstance(value, Assumed):
            changes[item.name] = _value(value.name, values)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            changes[item.name] = resolve(value, values)
    return dataclasses.replace(declaration, **changes)  # type: ignore[type-var]


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if name in values:
        return values[name]
    entry, _, part = name.partition(".")
    return values[entry][part]


def _with_parts(name: str, present: Mapping[str, Any], changes: Any) -> dict[str, Any]:
    if not isinstance(changes, Mapping) or not changes.keys() <= present.keys():
        msg = f"The assumption {name!r} has the parts {', '.join(sorted(present))}; give a mapping of those to replace."
        raise ConfigError(msg)
    return {**present, **changes}


def _unknown_assumption(name: str, api: Api) -> str:
    near = difflib.get_close_matches(name, api.assumptions, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{api.vendor} makes no assumption {name!r}.{hint} It makes these: {', '.join(sorted(api.assumptions))}."
