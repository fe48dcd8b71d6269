"""Saving what a session used, and running on it: what goes in, whose it is, and what is refused."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import docframes
from docframes import capsule, docdigitizer, files, papershift, read_ledger, trace, validis, validocx, veridox
from docframes.capsule.manifest import AnswerEntry, FileEntry, LedgerEntry, StateEntry
from docframes.errors import CapsuleAltered, CapsuleError, ConfigError, NotFound, OfflineMiss
from docframes.sandbox.papershift import EMAIL
from docframes.settings import Settings
from docframes.transport import journal, replay
from tests.conftest import Says
from tests.sockets import forbidden

OTHER_KEY = "vdx_org_Wxyz9876_" + "9" * 32 + "G" * 32


@pytest.fixture(autouse=True)
def _own_journal(monkeypatch):
    """A process that has used nothing yet; and no capsule is left open."""
    monkeypatch.setattr(journal, "JOURNAL", journal.Journal())
    yield
    assert replay.current() is None
    assert replay.VARIABLE not in os.environ


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "used.dfz"


@pytest.fixture
def use(monkeypatch):
    """Make a sandbox the environment's: ``use(box)``."""

    def set_environment(box):
        for name, value in box.environment().items():
            if name != "DOCFRAMES_CACHE_DIR":
                monkeypatch.setenv(name, value)

    return set_environment


#: The keys of a project that no test here looks at.
_REST = (
    "address_line_1", "address_line_2", "city", "created_at", "customer_email", "customer_name", "customer_phone",
    "job_count", "organization_id", "postcode", "reference", "status", "updated_at",
)  # fmt: skip


def project(number, name=None):
    """The answer that there is one project."""
    return Says({"success": True, "data": [{**dict.fromkeys(_REST), "id": number, "name": name}]})


def kinds(saved, kind):
    return [entry for entry in saved.manifest.entries if isinstance(entry, kind)]


def urls(saved):
    """The paths of the answers that are in it."""
    return sorted({urlsplit(entry.url).path.rpartition("/")[2] for entry in kinds(saved, AnswerEntry)})


# --- what goes in -------------------------------------------------------------------------------------------------


def test_all_that_was_used_goes_in(client, path):
    """Every answer once, whoever used it, with the moment at which it was fetched."""
    jobs = validocx.load_jobs(client=client)
    validocx.load_jobs(client=client)
    validocx.load_projects(client=client)
    saved = capsule.save(path, note="for the file")

    assert urls(saved) == ["jobs", "projects"]
    assert {entry.fetched_at for entry in kinds(saved, AnswerEntry)} >= {docframes.load_record(jobs).fetched_to}
    assert (saved.manifest.note, saved.path, saved.bytes) == ("for the file", path, path.stat().st_size)
    assert [(one.vendor, one.base_url) for one in saved.manifest.accounts] == [("validocx", client.base_url)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert capsule.verify(path, saved.digest)
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []


def test_of_a_frame_only_what_it_is_made_of_goes_in(client, path):
    """A frame, what pandas made of it, details of several frames, a list of them: each brings its own answers alone."""
    jobs = validocx.load_jobs(client=client)
    validocx.load_projects(client=client)
    details = validocx.load_job_details(jobs.head(2), client=client)
    # The mark behind the id tells versions apart, and is never sent.
    ids = sorted(jobs["job_id"].head(2))

    assert urls(capsule.save(path, jobs[jobs["job_id"] != ""].copy())) == ["jobs"]
    assert urls(capsule.save(path, details)) == ids
    assert urls(capsule.save(path, details.answers)) == ids
    assert urls(capsule.save(path, [jobs], {"details": details})) == sorted([*ids, "jobs"])


def test_a_frame_that_was_kept_brings_the_answers_it_was_made_of(client, account, box, path):
    """Another client opens the finished load of the first, and asks for nothing."""
    validocx.load_jobs(client=client)
    again = validocx.load_jobs(client=account(box))

    assert docframes.load_record(again).calls == 0
    assert urls(capsule.save(path, again)) == ["jobs"]


def test_what_was_forgotten_stays_out_unless_a_frame_needs_it(client, path):
    """A long session begins anew; a frame of before still knows its answers, and the cache has them."""
    jobs = validocx.load_jobs(client=client)
    capsule.forget()
    with pytest.raises(CapsuleError, match="Nothing was loaded"):
        capsule.save(path)
    validocx.load_projects(client=client)

    assert urls(capsule.save(path)) == ["projects"]
    assert urls(capsule.save(path, jobs)) == ["jobs"]


def test_a_client_that_keeps_nothing_can_be_saved(box, account, path):
    """Its answers are remembered in the process; after forget() they are gone, and that is said."""
    client = account(box, cached=False)
    jobs = validocx.load_jobs(client=client)
    capsule.save(path)
    with forbidden(), capsule.open(path):
        assert_frame_equal(validocx.load_jobs(), jobs)
    capsule.forget()

    with pytest.raises(CapsuleError, match=r"1 answer cannot go in.*GET .*/jobs"):
        capsule.save(path, jobs)


def test_answers_of_two_clients_of_one_account_go_in(box, account, path):
    """One keeps nothing, one keeps it here and one there: each answer is found where it is."""
    validocx.load_jobs(client=account(box, cached=False))
    validocx.load_projects(client=account(box))
    validocx.load_images(client=account(box, settings=Settings(cache_dir=path.parent / "elsewhere")))

    assert urls(capsule.save(path)) == ["images", "jobs", "projects"]


def _lock_out(client):
    """What a full disk does to a store: nothing can be written any more, and what is there can be read."""
    client._own_store().step_aside(sqlite3.OperationalError("database or disk is full"))


def test_a_cache_that_broke_midway_loses_nothing(client, path):
    """What it took before is read from it, and what came afterwards was remembered."""
    jobs = validocx.load_jobs(client=client)
    with pytest.warns(docframes.errors.CacheWarning):
        _lock_out(client)
    projects = validocx.load_projects(client=client)
    capsule.save(path)
    with forbidden(), capsule.open(path):
        assert_frame_equal(validocx.load_jobs(), jobs)
        assert_frame_equal(validocx.load_projects(), projects)


def test_an_answer_after_a_redirect_goes_in_under_the_call(scripted_client, path):
    """It is found by what was asked for, not by where it stood in the end."""

    def answer(asked):
        if asked.path.startswith("/moved"):
            return project("p-1")
        return Says(status=307, headers={"Location": f"/moved{asked.path}"})

    client = scripted_client(answer)
    projects = validocx.load_projects(client=client)
    capsule.save(path)
    with forbidden(), capsule.open(path):
        assert_frame_equal(validocx.load_projects(client=client), projects)

    assert projects["project_id"].tolist() == ["p-1"]


def test_a_ledger_of_the_users_own_is_named(box, path, tmp_path):
    """It goes in where it is given, its archive on request, its SHA-256 always."""
    zipped = box.write_ledger(tmp_path / "own.zip", lines=600)
    sha256 = hashlib.sha256(zipped.read_bytes()).hexdigest()
    ledger = read_ledger(zipped)
    without, inside = capsule.save(path, ledger), capsule.save(tmp_path / "inside.dfz", ledger, ledgers=True)

    for saved, held in ((without, False), (inside, True)):
        ((entry),) = kinds(saved, LedgerEntry)
        assert (entry.name, entry.sha256, entry.size, entry.held) == ("own.zip", sha256, zipped.stat().st_size, held)
    zipped.unlink()
    with pytest.raises(CapsuleError, match=r"own\.zip.*not there any more"):
        capsule.save(path, ledger)


# --- what is refused ----------------------------------------------------------------------------------------------


def test_nothing_used_is_refused(path):
    """There is nothing to save, and no file is made of it."""
    with pytest.raises(CapsuleError, match="Nothing was loaded in this session"):
        capsule.save(path)

    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("cached", [True, False])
def test_an_answer_that_was_replaced_is_refused(start, account, path, cached):
    """A capsule has one answer for each call, and this session used two; the newer frame alone can be saved."""
    box = start()
    client = account(box, cached=cached)
    old = validocx.load_jobs(client=client)
    path.write_bytes(b"what was here before")
    box.touch_job(box.jobs[0]["id"])
    new = validocx.load_jobs(client=client, refresh=True)
    with pytest.raises(CapsuleError, match=r"1 answer cannot go in.*GET .*/jobs.*capsule\.forget\(\)"):
        capsule.save(path)
    with pytest.raises(CapsuleError, match="1 answer cannot go in"):
        capsule.save(path, old, new)
    assert path.read_bytes() == b"what was here before"
    capsule.save(path, new)
    with forbidden(), capsule.open(path):
        assert_frame_equal(validocx.load_jobs(), new)


def test_an_answer_that_was_cleared_is_refused(client, settings, path):
    """The message names the call and what to do."""
    validocx.load_jobs(client=client)
    docframes.cache.clear(settings=settings)

    with pytest.raises(CapsuleError, match=r"the cache was cleared.*GET .*/jobs.*notebook from its top"):
        capsule.save(path)


def test_a_frame_without_a_record_is_refused(client, path):
    """What merge or concat made, or what came from elsewhere, does not say what it is made of."""
    jobs = validocx.load_jobs(client=client)
    for frame in (pd.DataFrame({"a": [1]}), jobs.merge(pd.DataFrame({"job_id": ["x"]}))):
        with pytest.raises(CapsuleError, match="nobody knows how it was loaded"):
            capsule.save(path, frame)
    with pytest.raises(CapsuleError, match="a str came"):
        capsule.save(path, "jobs")


def test_no_capsule_is_saved_within_another(client, path):
    """What comes from it is in it already."""
    validocx.load_jobs(client=client)
    capsule.save(path)
    with capsule.open(path), pytest.raises(CapsuleError, match="A capsule is open"):
        capsule.save(path.with_suffix(".again"))


def test_a_frame_from_a_capsule_is_refused_afterwards(client, path):
    """It was not used from the vendor in this process; what was, still is, and what came from the capsule is no part
    of it."""
    validocx.load_jobs(client=client)
    capsule.save(path)
    journal.JOURNAL = journal.Journal()
    with capsule.open(path):
        jobs = validocx.load_jobs()
    with pytest.raises(CapsuleError, match="Nothing was loaded"):
        capsule.save(path.with_suffix(".again"))
    with pytest.raises(CapsuleError, match="within another capsule"):
        capsule.save(path.with_suffix(".again"), jobs)


def test_a_credential_in_the_note_is_masked(client, box, path):
    """The user's own words go through the redactor as well."""
    validocx.load_jobs(client=client)

    assert capsule.save(path, note=f"key {box.key('validocx')}").manifest.note == "key [redacted]"


def test_a_credential_that_was_learnt_later_is_masked(scripted_client, path):
    """The cache took the answer when nobody knew that it holds a secret; the capsule does not."""
    secret = "learnt-only-later-0123456789"
    client = scripted_client(lambda asked: project("p", secret))
    validocx.load_projects(client=client)
    docframes.transport.redact.remember(secret)
    saved = capsule.save(path)

    assert secret.encode() not in path.read_bytes()
    with forbidden(), capsule.open(saved.path):
        assert validocx.load_projects(client=client)["name"].tolist() == ["[redacted]"]


# --- opening ------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(box, use, path):
    """A capsule of jobs and projects, used by the environment's account, which is gone afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in box.environment().items():
            if name != "DOCFRAMES_CACHE_DIR":
                patch.setenv(name, value)
        validocx.load_jobs()
        validocx.load_projects()
        return capsule.save(path)


def test_the_users_own_cache_is_left_alone(client, settings, path):
    """A notebook that clears its cache clears nothing of whoever runs it in its capsule."""
    validocx.load_projects(client=client)
    capsule.save(path)

    with capsule.open(path):
        docframes.cache.clear(settings=settings)
    assert docframes.cache.info(settings=settings)["answers"].tolist() == [1]


def test_an_altered_file_is_not_opened(saved, path):
    """The first altered byte is named, and nothing is taken from the file."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)

    with pytest.raises(CapsuleAltered, match=f"byte {len(raw) // 2:,}".replace("byte", "Byte")) as altered:
        capsule.open(path)
    assert altered.value.verification.altered == len(raw) // 2
    assert replay.current() is None


def test_another_capsule_than_the_one_written_down_is_not_opened(saved, client, path):
    """Whole in itself, and not the one whose digest is known."""
    with capsule.open(path, digest=saved.digest):
        pass
    validocx.load_jobs(client=client)
    capsule.save(path, note="another")

    with pytest.raises(CapsuleAltered, match="another capsule than the one"):
        capsule.open(path, digest=saved.digest)


def test_what_is_no_capsule_is_not_opened(tmp_path):
    """An error that says so, and one of the file system where there is nothing."""
    (tmp_path / "notes.txt").write_text("no capsule")

    with pytest.raises(CapsuleError):
        capsule.open(tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError):
        capsule.open(tmp_path / "nothing")


def test_everything_is_as_before_after_an_error_within(saved, path, monkeypatch):
    """The variable, what is open, and the folder of what was unpacked."""
    monkeypatch.setenv(replay.VARIABLE, "somebody's own")
    held = capsule.open(path)

    def fail():
        with held:
            seen.append((os.environ[replay.VARIABLE], held.folder("validocx", "0" * 12)))
            raise ZeroDivisionError

    seen: list[tuple[str, Path]] = []
    with pytest.raises(ZeroDivisionError):
        fail()
    ((told, folder),) = seen

    assert (told, os.environ.pop(replay.VARIABLE)) == (str(path), "somebody's own")
    assert replay.current() is None
    assert not folder.exists()
    assert repr(held) == "<capsule used.dfz, closed>"


def test_a_capsule_is_opened_once_at_a_time(saved, path):
    """Again it is an error; stopped twice it is none; and it may be opened anew."""
    held = capsule.open(path).start()
    with pytest.raises(CapsuleError, match="open already"):
        held.start()
    held.stop()
    held.stop()
    with held:
        assert len(validocx.load_jobs()) == 30
    assert len(held.manifest.entries) == 2


def test_a_capsule_within_another_answers_alone(saved, box, account, path, tmp_path):
    """Until it is closed; then the outer one does again, in whatever order they are closed."""
    validocx.load_answers(client=account(box))
    inner = capsule.save(tmp_path / "inner.dfz", validocx.load_answers(client=account(box)))
    with forbidden(), capsule.open(path):
        with capsule.open(inner.path):
            assert os.environ[replay.VARIABLE] == str(inner.path)
            assert len(validocx.load_answers(limit=None)) > 0
            with pytest.raises(OfflineMiss, match=r"not in the capsule.*GET .*/jobs"):
                validocx.load_jobs()
        assert os.environ[replay.VARIABLE] == str(path)
        assert len(validocx.load_jobs()) == 30
    first, second = capsule.open(path).start(), capsule.open(inner.path).start()
    first.stop()
    with forbidden():
        assert (os.environ[replay.VARIABLE], replay.current()) == (str(inner.path), second)
        assert len(validocx.load_answers()) > 0
    second.stop()


def test_a_capsule_answers_every_thread(saved, path):
    """The button of a widget runs in a thread that nobody told anything."""
    came: list[object] = []

    def load():
        try:
            came.append(len(validocx.load_jobs()))
        except BaseException as error:
            came.append(error)

    with forbidden(), capsule.open(path):
        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert came == [30] * 8


def test_a_miss_names_the_call(saved, path):
    """And says that it was not used when the capsule was saved."""
    with forbidden(), capsule.open(path), pytest.raises(OfflineMiss, match=r"capsule: GET .*/jobs.*project_id=p-77"):
        validocx.load_jobs(project_id="p-77")


def test_rows_are_traced_within_a_capsule(box, account, path):
    """Request, page, place, moment and SHA-256 are those of the answer that came online."""
    jobs = validocx.load_jobs(trace=True, client=account(box))
    capsule.save(path)
    with forbidden(), capsule.open(path):
        again = validocx.load_jobs(trace=True)

        assert_frame_equal(again, jobs)
        assert trace(again, 3) == trace(again, 3)
        inside = trace(again, 3)
    outside = trace(jobs, 3)
    assert (inside.request, inside.sha256, inside.pointer, inside.fetched_at, inside.record) == (
        outside.request,
        outside.sha256,
        outside.pointer,
        outside.fetched_at,
        outside.record,
    )


# --- clients ------------------------------------------------------------------------------------------------------


def test_a_client_of_before_is_answered_from_the_capsule(box, account, path):
    """Also where its own cache is gone; afterwards it asks the vendor again."""
    client = account(box)
    jobs = validocx.load_jobs(client=client)
    capsule.save(path)
    docframes.cache.clear(settings=client.settings)
    with forbidden(), capsule.open(path):
        assert_frame_equal(validocx.load_jobs(client=client), jobs)
    box.clear_calls()
    validocx.load_jobs(client=client)

    assert box.count("validocx") == 1


@pytest.mark.parametrize("when", ["before", "within"])
def test_a_client_with_another_key_stands_for_the_only_account(saved, box, path, settings, when):
    """Whoever runs the notebook has a key of their own, or that of an account which has nothing to do with it."""
    before = validocx.Client(api_key=OTHER_KEY, base_url=box.url("validocx"), settings=settings)
    with forbidden(), capsule.open(path):
        within = validocx.Client(api_key=OTHER_KEY, base_url=box.url("validocx"), settings=settings)
        client = before if when == "before" else within

        assert len(validocx.load_jobs(client=client)) == 30
        assert client.account == capsule.open(path).manifest.accounts[0].account


def test_keys_and_addresses_of_the_environment_do_not_matter(saved, path, monkeypatch):
    """Nothing of another account is asked for, however the environment has it."""
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", OTHER_KEY)
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_BASE_URL", "https://another.test/api")
    with forbidden(), capsule.open(path):
        assert len(validocx.load_jobs()) == 30


def test_the_port_of_this_machine_does_not_matter(saved, path):
    """A sandbox has another one each time that it is started; another address is another account's."""
    url = saved.manifest.accounts[0].base_url
    host, _, rest = url.removeprefix("http://127.0.0.1:").partition("/")
    with forbidden(), capsule.open(path):
        assert len(validocx.load_jobs(client=validocx.Client(base_url=f"http://127.0.0.1:0/{rest}"))) == 30
        for elsewhere in (f"http://127.0.0.1:{host}/elsewhere", "https://another.test/api"):
            with pytest.raises(ConfigError, match=f"cannot tell which account a validocx client at {elsewhere}"):
                validocx.Client(base_url=elsewhere)


@pytest.mark.parametrize("explicit", [True, False])
def test_a_client_made_within_is_of_no_use_afterwards(saved, path, settings, monkeypatch, explicit):
    """It has no account of its own, and says so; the environment's client is made anew."""
    with forbidden(), capsule.open(path):
        client = validocx.Client(settings=settings) if explicit else validocx.loaders.default_client()
        validocx.load_jobs(client=client)
    with forbidden():
        with pytest.raises(ConfigError, match=r"made within the capsule used\.dfz, which is closed.*Make one anew"):
            validocx.load_jobs(client=client)
        with pytest.raises(ConfigError, match="made within the capsule"):
            files.FileRef("validocx", "images", "i-1").bytes(client=client)
        with pytest.raises(docframes.errors.MissingKey):
            validocx.load_jobs()
    assert list(settings.cache_folder.glob("validocx-*")) == [
        one for one in settings.cache_folder.glob("validocx-*") if saved.manifest.accounts[0].account in one.name
    ]


def test_the_environments_client_is_anothers_in_another_capsule(start, path):
    """Though the file has the same name, and the variables are the same."""
    clients = []
    for seed, jobs in ((1, 3), (2, 5)):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in start(jobs=jobs, seed=seed).environment().items():
                patch.setenv(name, value)
            capsule.forget()
            validocx.load_jobs()
            capsule.save(path)
        with forbidden(), capsule.open(path):
            assert len(validocx.load_jobs()) == jobs
            clients += [validocx.loaders.default_client(), validocx.loaders.default_client()]

    assert clients[0] is clients[1]
    assert clients[2] is clients[3]
    assert clients[1] is not clients[2]


def test_the_environments_client_is_its_own_again_afterwards(box, use, path):
    """The one of before the block, with its connections and its cache."""
    use(box)
    before = validocx.loaders.default_client()
    validocx.load_jobs()
    capsule.save(path)
    with forbidden(), capsule.open(path):
        assert validocx.loaders.default_client() is not before
        validocx.load_jobs()

    assert validocx.loaders.default_client() is before


def test_a_vendor_that_was_not_used_is_a_miss(saved, path):
    """A client may be made of it, and whatever it asks for is not there."""
    with forbidden(), capsule.open(path):
        client = veridox.Client()
        with pytest.raises(OfflineMiss, match="not in the capsule"):
            veridox.load_cases(client=client)


# --- two accounts -------------------------------------------------------------------------------------------------


@pytest.fixture
def two(scripted, settings, path):
    """Two accounts of one vendor at one address, each with a project of its own."""

    def answer(asked):
        return project(asked.headers["x-api-key"][8:16])

    server = scripted(answer)
    keys = ["vdx_org_Abcd1234_" + "e" * 64, "vdx_org_Efgh5678_" + "f" * 64]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCFRAMES_CACHE_DIR", str(settings.cache_folder))
        for key in keys:
            with validocx.Client(api_key=key, base_url=server.url) as client:
                validocx.load_projects(client=client)
        capsule.save(path)
    return server.url, keys


def test_two_accounts_of_one_vendor_are_told_by_their_keys(two, path):
    """Each client is answered with what was its own."""
    url, keys = two
    with forbidden(), capsule.open(path):
        clients = [validocx.Client(api_key=key, base_url=url) for key in keys]
        came = [validocx.load_projects(client=client)["project_id"].tolist() for client in clients]

    assert came == [["Abcd1234"], ["Efgh5678"]]


def test_the_address_of_two_accounts_need_not_be_said(two, path, monkeypatch):
    """It is one and the same; the key of the environment says which account."""
    _, keys = two
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_API_KEY", keys[1])
    monkeypatch.setenv("DOCFRAMES_VALIDOCX_BASE_URL", "https://another.test/api")
    with forbidden(), capsule.open(path):
        assert validocx.load_projects()["project_id"].tolist() == ["Efgh5678"]


@pytest.mark.parametrize("key", [None, OTHER_KEY])
def test_without_its_key_an_account_of_two_is_not_guessed(two, path, key):
    """The error names both accounts by their fingerprints, and what to do."""
    url, _ = two
    before = validocx.Client(api_key=OTHER_KEY, base_url=url)
    with forbidden(), capsule.open(path) as held:
        told = [one.account for one in held.manifest.accounts]
        for attempt in (lambda: validocx.Client(api_key=key), lambda: validocx.load_projects(client=before)):
            with pytest.raises(ConfigError, match="cannot tell which account") as refused:
                attempt()
            assert all(account in str(refused.value) for account in told)
            assert "with its own key" in str(refused.value)
            assert OTHER_KEY[8:] not in str(refused.value)


# --- files, ledgers, states ---------------------------------------------------------------------------------------


def test_only_files_that_were_opened_go_in_and_only_those_of_the_frame(client, path, tmp_path):
    """Three photos and a paper were opened; of a frame of two photos, those two."""
    images, papers = validocx.load_images(limit=3, client=client), validocx.load_documents(limit=1, client=client)
    files.save_all(images, tmp_path / "photos", client=client)
    files.refs(papers)[0].bytes(client=client)
    every, some = capsule.save(path), capsule.save(tmp_path / "some.dfz", images.head(2), files=True)

    assert len(kinds(every, FileEntry)) == 4
    assert {entry.held for entry in kinds(every, FileEntry)} == {False}
    assert {entry.file_id for entry in kinds(some, FileEntry)} == set(images["image_id"].head(2))
    with forbidden(), capsule.open(some.path):
        for ref in files.refs(images.head(2)):
            assert ref.bytes() == (tmp_path / "photos").joinpath(_name(tmp_path, ref)).read_bytes()
        with pytest.raises(OfflineMiss, match=r"does not hold validocx images/.*files=True"):
            files.refs(images)[2].bytes()


def _name(folder: Path, ref: files.FileRef) -> str:
    manifest = pd.read_csv(folder / "photos" / "manifest.csv")
    return str(manifest.set_index("file_id").loc[ref.file_id, "name"])


def test_a_file_that_is_another_now_is_refused(scripted, box, client, path, monkeypatch):
    """It was used as it was; what would go in is not that."""
    ref = files.FileRef("validocx", "images", validocx.load_images(limit=1, client=client)["image_id"].iloc[0])
    ref.bytes(client=client)
    changed = Path(__file__).read_bytes()
    monkeypatch.setattr(files, "_links", {})
    monkeypatch.setattr("docframes.transport.download._stream", lambda response: iter([changed]))

    with pytest.raises(CapsuleError, match="another file now than the one that was used"):
        capsule.save(path, files=True)
    assert not path.exists()


def test_files_cannot_be_fetched_offline(client, path):
    """What fails is told with the reason."""
    files.refs(validocx.load_images(limit=1, client=client))[0].bytes(client=client)
    with (
        docframes.offline(),
        forbidden(),
        pytest.raises(CapsuleError, match=r"could not be fetched again: .*[Oo]ffline"),
    ):
        capsule.save(path, files=True)


def test_a_link_within_a_capsule_says_where_files_are(client, path):
    """What is signed there has no signature: the file itself is read by its reference."""
    image = validocx.load_images(limit=1, client=client)["image_id"].iloc[0]
    held = validocx.sign_file("images", image, client=client)
    files.FileRef("validocx", "images", image).bytes(client=client)
    capsule.save(path, files=True)
    with forbidden(), capsule.open(path):
        for link in (held, validocx.sign_file("images", image)):
            with pytest.raises(OfflineMiss, match=r"A capsule is open.*FileRef"):
                link.bytes()
        assert files.FileRef("validocx", "images", image).bytes()
        with pytest.raises(ConfigError):
            files.FileRef("validocx", "images", image).url()


@pytest.fixture
def connect(settings):
    """A Validis client of a sandbox."""

    def make(box, **options):
        made = {"api_key": box.key("validis"), "base_url": box.url("validis"), "settings": settings, **options}
        return validis.Client(**made)

    return make


def test_a_ledger_brings_its_archive_and_nothing_else(start, connect, path):
    """Of two that were loaded, with lists beside them."""
    box = start(jobs=3, time_scale=0.01)
    client = connect(box)
    gl, items = validis.load_gl_extract(4711, client=client), validis.load_ar_extract(4711, client=client)
    validis.load_accounts(4711, client=client)
    saved = capsule.save(path, gl, ledgers=True)
    (archive,) = kinds(saved, LedgerEntry)

    assert kinds(saved, AnswerEntry) == []
    assert "general ledger of engagement 4711" in archive.name
    with forbidden(), capsule.open(path):
        assert_frame_equal(validis.load_gl_extract(4711).transactions, gl.transactions)
        with pytest.raises(OfflineMiss, match="receivables"):
            validis.load_ar_extract(4711)
    (other,) = kinds(capsule.save(path, items), LedgerEntry)
    assert other.sha256 != archive.sha256


def test_a_ledger_of_a_client_that_keeps_nothing_is_named(start, connect, path):
    """With its SHA-256; its bytes are gone, and whoever asks for them is told."""
    box = start(jobs=3, time_scale=0.01)
    client = connect(box, cached=False)
    engagements = validis.load_engagements(client=client)
    gl = validis.load_gl_extract(4711, client=client)
    saved = capsule.save(path)
    (archive,) = kinds(saved, LedgerEntry)

    assert {archive.sha256} == set(gl.records["transactions"].files.values())
    assert (archive.held, archive.size > 1000) == (False, True)
    with pytest.raises(CapsuleError, match=r"general ledger of engagement 4711.*cached=False"):
        capsule.save(path, ledgers=True)
    with forbidden(), capsule.open(path):
        assert_frame_equal(validis.load_engagements(), engagements)
        with pytest.raises(OfflineMiss, match=r"general ledger of engagement 4711.*ledgers=True"):
            validis.load_gl_extract(4711)


def test_a_ledger_that_was_forgotten_is_loaded_anew(start, connect, path):
    """Nobody knows any more where its archive is."""
    client = connect(start(jobs=3, time_scale=0.01))
    gl = validis.load_gl_extract(4711, client=client)
    capsule.forget()
    with pytest.raises(CapsuleError, match="Load the ledger again"):
        capsule.save(path, gl)
    capsule.save(path, validis.load_gl_extract(4711, client=client), ledgers=True)


def test_a_submission_is_not_sent_again(start, path, settings, tmp_path):
    """Within the capsule it gives what was answered; two that cannot be told apart are refused."""
    box = start(jobs=3)
    client = docdigitizer.Client(api_key=box.key("docdigitizer"), base_url=box.url("docdigitizer"), settings=settings)
    for name in ("one.pdf", "two.pdf"):
        (tmp_path / name).write_bytes(b"%PDF-1.4 " + name.encode())
    first = docdigitizer.submit_document(tmp_path / "one.pdf", client=client)
    capsule.save(path)
    with forbidden(), capsule.open(path):
        assert docdigitizer.submit_document(tmp_path / "one.pdf") == first
    docdigitizer.submit_document(tmp_path / "two.pdf", client=client)

    with pytest.raises(CapsuleError, match="1 answer cannot go in"):
        capsule.save(path)


# --- what a vendor refused ----------------------------------------------------------------------------------------


def test_a_refusal_is_given_again(client, path):
    """What was not found then is not found now: it is no miss."""
    with pytest.raises(NotFound) as online:
        validocx.sign_file("images", "no-such-image", client=client)
    validocx.load_projects(client=client)
    capsule.save(path)
    with forbidden(), capsule.open(path), pytest.raises(NotFound) as again:
        validocx.sign_file("images", "no-such-image")

    assert str(again.value) == str(online.value)


def test_a_frame_brings_the_refusals_of_its_load(start, path, settings):
    """Papers that the caller may not see are no part of the frame, and are asked for again."""
    box = start(jobs=3)
    login = {"email": EMAIL, "password": box.key("papershift")}
    client = papershift.Client(**login, base_url=box.url("papershift"), settings=settings)
    with pytest.warns(docframes.errors.AccessWarning):
        papers = papershift.load_documents(client=client)
    users = papershift.load_users(client=client)
    capsule.save(path, papers, users)
    with forbidden(), capsule.open(path), pytest.warns(docframes.errors.AccessWarning):
        again = papershift.load_documents()

    assert_frame_equal(again, papers)
    refused = docframes.load_record(papers).refused
    assert len(refused) > 0
    assert refused == docframes.load_record(again).refused


# --- loads that go on from the last -------------------------------------------------------------------------------


def _last(client=None):
    return validocx.load_jobs(updated_after="last", client=client)


def test_a_notebook_goes_on_from_the_load_that_it_found(start, account, path):
    """What was there before the session is in the capsule, and what the session wrote is not."""
    box = start()
    client = account(box)
    _last(client)
    capsule.forget()
    box.touch_job(box.jobs[4]["id"])
    frame = _last(client)
    found = capsule.save(path)
    changes = docframes.load_record(frame).changes

    assert len(kinds(found, StateEntry)) >= 1
    for _ in range(2):
        with forbidden(), capsule.open(path):
            again = _last()
            assert_frame_equal(again, frame)
            assert docframes.load_record(again).changes == changes
    assert set(changes.changed) == {box.jobs[4]["id"]}


def test_a_notebook_that_began_with_nothing_begins_so_again(start, account, path):
    """Its first load is whole, and the second goes on from it, though the file was there when the capsule was saved."""
    box = start()
    client = account(box)
    first = _last(client)
    box.touch_job(box.jobs[4]["id"])
    second = _last(client)
    capsule.save(path)

    assert not first.equals(second)
    with forbidden(), capsule.open(path):
        for frame in (first, second):
            again = _last()
            assert_frame_equal(again, frame)
            assert docframes.load_record(again).changes == docframes.load_record(frame).changes


def test_a_frame_that_went_on_brings_what_it_went_on_from(start, account, path):
    """Where the load before it is not given, the file that it wrote is needed."""
    box = start()
    client = account(box)
    _last(client)
    box.touch_job(box.jobs[4]["id"])
    second = _last(client)
    capsule.save(path, second)
    with forbidden(), capsule.open(path):
        assert_frame_equal(_last(), second)


def test_an_offline_load_of_the_last_is_the_same_in_the_capsule(start, account, path):
    """Offline, nobody can say what changed, so it is the last load as it was."""
    box = start()
    client = account(box)
    _last(client)
    capsule.forget()
    with docframes.offline(), forbidden():
        frame = _last(client)
    box.touch_job(box.jobs[4]["id"])
    _last(account(box))
    capsule.save(path, frame)
    with forbidden(), capsule.open(path):
        assert_frame_equal(_last(), frame)
