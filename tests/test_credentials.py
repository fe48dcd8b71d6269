"""Where keys come from, and that a client never shows, writes or shares them."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
import types
import warnings

import pytest
from conftest import Says
from flask import Blueprint, Flask, request
from test_vendors import VENDORS

from docframes import docdigitizer, files, papershift, validis, validocx, veridox
from docframes.errors import ConfigError, DocframesWarning, MissingKey
from docframes.sandbox.server import Server
from docframes.settings import Settings
from docframes.transport import credentials
from tests.rooms import Room

ENVIRONMENT, RING = "from-the-environment-1", "from-the-keyring-2"
#: How each room is given a credential, and the variables that name it.
ROOMS = {
    "docdigitizer": (docdigitizer, ["API_KEY"]),
    "papershift": (papershift, ["TOKEN", "EMAIL", "PASSWORD"]),
    "validis": (validis, ["API_KEY"]),
    "validocx": (validocx, ["API_KEY"]),
    "veridox": (veridox, ["API_KEY"]),
}


@pytest.fixture(autouse=True)
def _untold(monkeypatch):
    """What an earlier test was told does not count."""
    monkeypatch.setattr(credentials, "_told", set())


@pytest.fixture
def ring(monkeypatch):
    """A keyring of the test's own: ``ring(entries)``; or one that raises: ``ring(error="KeyringLocked")``."""

    def install(entries=(), error=""):
        module, errors = types.ModuleType("keyring"), types.ModuleType("keyring.errors")
        errors.KeyringError = type("KeyringError", (Exception,), {})
        for name in ("NoKeyringError", "KeyringLocked"):
            setattr(errors, name, type(name, (errors.KeyringError,), {}))
        asked = []

        def get_password(service, user):
            asked.append((service, user))
            if error == "RuntimeError":
                raise RuntimeError(f"the bus is gone, and {RING} with it")
            if error:
                raise getattr(errors, error)(f"could not give {RING}")
            return dict(entries).get((service, user))

        module.get_password, module.errors = get_password, errors
        monkeypatch.setitem(sys.modules, "keyring", module)
        monkeypatch.setitem(sys.modules, "keyring.errors", errors)
        return asked

    return install


# --- where they come from -----------------------------------------------------------------------------------------


def test_the_environment_comes_before_the_keyring(ring, monkeypatch):
    """And what is given comes before both; the keyring is not even asked."""
    asked = ring({("docframes", "validocx_api_key"): RING})
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", f"  {ENVIRONMENT}\n")

    assert credentials.located("validocx", "api_key") == ("DOCFRAMES_VALIDOCX_API_KEY", ENVIRONMENT)
    assert credentials.find("validocx", "api_key", "given") == "given"
    assert asked == []


@pytest.mark.parametrize("set_to", [None, "", "  "])
def test_the_keyring_is_asked_where_the_environment_has_nothing(ring, monkeypatch, set_to):
    """A variable that holds blanks holds nothing."""
    asked = ring({("docframes", "validocx_api_key"): RING})
    if set_to is not None:
        monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", set_to)
    client = validocx.Client()

    assert credentials.located("validocx", "api_key") == ("keyring", RING)
    assert client.account == validocx.Client(api_key=RING).account
    assert asked[0] == ("docframes", "validocx_api_key")


@pytest.mark.parametrize("vendor", ROOMS)
def test_a_credential_that_is_nowhere_is_named(ring, vendor, monkeypatch):
    """The error names the variables and where the key is made."""
    ring()
    monkeypatch.setenv("DOCFRAMES_VALIDIS_REGION", "uk")
    room, names = ROOMS[vendor]
    with pytest.raises(MissingKey) as missing:
        room.Client()

    told = str(missing.value)
    assert [name for name in names if f"DOCFRAMES_{vendor.upper()}_{name}" not in told] == []
    assert f"It is made at {sys.modules[f'docframes.vendors.{vendor}.api'].API.key_made_at}" in told


def test_without_the_package_nothing_is_asked(monkeypatch):
    """A keyring that is not installed is no trouble."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    assert credentials.located("validocx", "api_key") == ("", "")


def test_a_machine_without_a_keyring_is_no_trouble(ring):
    """NoKeyringError says that the system has none: nothing is told."""
    ring(error="NoKeyringError")
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert credentials.located("validocx", "api_key") == ("", "")


@pytest.mark.parametrize("error", ["KeyringLocked", "KeyringError", "RuntimeError"])
def test_any_other_trouble_is_told_once_without_its_words(ring, error, monkeypatch):
    """A client looks for several settings, each of which meets it; the text of the error may name a value."""
    asked = ring(error=error)
    monkeypatch.setenv("DOCFRAMES_VALIDIS_REGION", "uk")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for room in (validis, papershift, validis):
            with pytest.raises(MissingKey):
                room.Client()

    assert len(asked) > 3
    assert [one.category for one in told] == [DocframesWarning]
    assert error in str(told[0].message)
    assert RING not in str(told[0].message)


def test_the_warning_reaches_a_client_that_is_made_by_a_loader(ring):
    """The default client is made under a lock, which the warning must not want too."""
    ring(error="KeyringLocked")
    with pytest.warns(DocframesWarning, match="KeyringLocked"), pytest.raises(MissingKey):
        validocx.load_jobs()


# --- a client shows none -------------------------------------------------------------------------------------------

LONG = "vdx_org_Abcd1234_" + "s3cr3t" * 6
CLIENTS = {
    "docdigitizer": lambda: docdigitizer.Client(api_key=LONG),
    "papershift token": lambda: papershift.Client(token=LONG),
    "papershift login": lambda: papershift.Client(email="a@example.org", password=LONG),
    "validis": lambda: validis.Client(api_key=LONG, secondary_api_key=f"{LONG}2", region="uk"),
    "validocx": lambda: validocx.Client(api_key=LONG),
    "veridox": lambda: veridox.Client(api_key=LONG),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_masks_itself(name):
    """In its repr, its text, and the repr of all that it is made of, before and after it was used."""
    client = CLIENTS[name]()
    client._session()

    for shown in (repr(client), str(client), f"{client}", repr(vars(client)), repr(client._session())):
        assert "s3cr3t" not in shown


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_client_is_neither_pickled_nor_copied(name, act):
    """A pickle would hold the key in clear; the error says what to do, and has nothing of it."""
    with pytest.raises(TypeError, match="environment or the keyring") as refused:
        act(CLIENTS[name]())

    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize("value", ["with space", "line\nbreak", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_not_repeated(value):
    """The HTTP library would refuse it and show it."""
    with pytest.raises(ConfigError) as refused:
        validocx.Client(api_key=value)

    assert value not in str(refused.value)


# --- two accounts share nothing ------------------------------------------------------------------------------------

KEYS = {"first": "vdx_org_Abcd1234_" + "f" * 32, "second": "vdx_org_Abcd1234_" + "e" * 32}
ACCOUNTS = {
    "docdigitizer": lambda key, url: docdigitizer.Client(api_key=key, base_url=url),
    "papershift": lambda key, url: papershift.Client(token=key, base_url=url),
    "validis": lambda key, url: validis.Client(api_key=key, base_url=url),
    "validocx": lambda key, url: validocx.Client(api_key=key, base_url=url),
    "veridox": lambda key, url: veridox.Client(api_key=key, base_url=url),
}


@pytest.fixture
def two_tenants():
    """One address behind which each key has rows of its own: ``two_tenants(room)`` gives it and the calls made."""
    servers = []

    def start(room: Room):
        app, routes, calls = Flask("tenants"), Blueprint("tenants", __name__), []
        room.routes(routes)

        def answer():
            sent = " ".join(request.headers.values())
            tenant = next(number for number, key in enumerate(KEYS.values()) if key in sent)
            calls.append(tenant)
            return room.page([room.sample(number) for number in range(3 * tenant, 3 * tenant + 3)], request)

        routes.add_url_rule(room.path, "list", answer)
        app.register_blueprint(routes)
        servers.append(Server(app, 0, "tenants"))
        return servers[-1].url, calls

    yield start
    for server in servers:
        server.stop()


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.filterwarnings("ignore::docframes.errors.SchemaDriftWarning")
def test_two_accounts_share_neither_answers_nor_frames(vendor, two_tenants, tmp_path):
    """The same address and the same call in turn, then each once more from its own cache."""
    room = importlib.import_module(f"tests.rooms.{vendor}").ROOM
    url, calls = two_tenants(room)
    clients = {name: ACCOUNTS[vendor](key, url) for name, key in KEYS.items()}
    first = {name: room.load(client=client, progress=False)[room.key].tolist() for name, client in clients.items()}
    made = len(calls)
    again = {name: room.load(client=client, progress=False)[room.key].tolist() for name, client in clients.items()}
    for client in clients.values():
        client.close()
    # Kept frames gone, answers come from the stores.
    for path in tmp_path.rglob("*.arrow"):
        path.unlink()
    stored = {
        name: room.load(client=ACCOUNTS[vendor](key, url), progress=False)[room.key].tolist()
        for name, key in KEYS.items()
    }

    assert first == {"first": [room.id_of(n) for n in (0, 1, 2)], "second": [room.id_of(n) for n in (3, 4, 5)]}
    assert again == first == stored
    assert sorted(set(calls)) == [0, 1]
    assert len(calls) == made
    assert len({client.frames_folder for client in clients.values()}) == 2
    assert len(list((tmp_path / "cache").glob(f"{vendor}-*.sqlite"))) == 2


def test_two_accounts_share_no_link(scripted):
    """A link that one account was given is not what the other opens."""

    def answer(asked):
        link = f"https://f.test/{asked.headers['x-api-key'][-3:]}?token=1"
        return Says({"data": {"signed_url": link, "expires_in": 600, "expires_at": "2126-01-01T00:00:00Z"}})

    url = scripted(answer).url
    ref = files.FileRef("validocx", "documents", "d-of-two")
    opened = {name: ref.url(client=validocx.Client(api_key=key, base_url=url)) for name, key in KEYS.items()}

    assert opened == {"first": "https://f.test/fff?token=1", "second": "https://f.test/eee?token=1"}
    assert len([key for key in files._links if key[0] == "validocx" and key[3] == "d-of-two"]) == 2


def test_two_accounts_share_neither_facts_nor_ledgers(start, tmp_path):
    """Validis' account.json, the extract's zip and its store lie in the folder of the account that asked."""
    settings = Settings(cache_dir=tmp_path / "cache", time_scale=0.0)
    boxes = [start(jobs=2, seed=seed) for seed in (7, 8)]
    folders, ids = [], []
    for box in boxes:
        client = validis.Client(api_key=box.key("validis"), base_url=box.url("validis"), settings=settings)
        ledger = validis.load_gl_extract(4711, client=client, progress=False)
        validis.load_engagements(client=client, progress=False)
        folders.append(client.frames_folder)
        ids.append(client.client_ids())
        assert ledger.store.folder.is_relative_to(client.frames_folder)

    assert folders[0] != folders[1]
    assert all((folder / "account.json").is_file() for folder in folders)
    assert len(list((tmp_path / "cache").glob("*.frames/ledgers/*"))) == 2
    assert not (tmp_path / "cache" / "ledgers").exists()
