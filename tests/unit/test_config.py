"""deploy.toml: what it declares, and every mistake with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ccconsole.config import Config, find, load
from ccconsole.errors import ConfigError, NotFound

ROOT = Path(__file__).parents[2]


def read(tmp_path: Path, text: str, **environ: str) -> Config:
    path = tmp_path / "deploy.toml"
    path.write_text(text)
    return load(path, environ)


def mistakes(tmp_path: Path, text: str) -> list[str]:
    """The mistakes without the file's path: `LINE: key: what was expected`."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 2
    return [line.removeprefix(f"{tmp_path}/deploy.toml:") for line in caught.value.detail.splitlines()]


def test_the_file_that_comes_with_the_console_is_the_guides_table() -> None:
    config = load(ROOT / "deploy.toml", {"GOOGLE_CLOUD_PROJECT": "acme"})
    sizes = {
        name: (spec.cpu, spec.memory, spec.min_instances, spec.max_instances)
        for name, environment in config.environments.items()
        for spec in environment.services
    }
    assert sizes == {
        "local": ("1", "1Gi", 0, 5),
        "dev": ("1", "1Gi", 0, 5),
        "staging": ("2", "2Gi", 0, 10),
        "prod": ("2", "4Gi", 1, 20),
    }
    (prod,) = config.environments["prod"].services
    assert (prod.timeout, prod.concurrency, prod.is_public) == (3600, 1, False)
    assert prod.key.name == "claudecluster-worker-prod"
    assert prod.image == "us-central1-docker.pkg.dev/acme/claudecluster/worker:latest"
    assert prod.secrets == {
        "ANTHROPIC_API_KEY": "claudecluster-anthropic-api-key-prod",
        "CLAUDE_CLI_SESSION_TOKEN": "claudecluster-claude-cli-token-prod",
    }
    assert config.environments["prod"].is_protected
    assert not config.environments["dev"].is_protected


def test_without_a_file_there_is_local_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load(environ={"HOME": str(tmp_path)})
    assert config.path is None
    (local,) = config.environments.values()
    assert (local.name, local.is_local, local.project, local.unset) == ("local", True, "local", ())
    assert local.store is not None
    assert local.store.startswith("file:///")
    assert local.store.endswith("/store/local")


def test_an_unset_variable_leaves_the_other_environments_alone(tmp_path: Path) -> None:
    text = (
        '[defaults]\nproject = "$NOWHERE"\n[env.local]\nlocal = true\n[env.dev]\n'
        '[env.ci]\nproject = "acme-ci"\n'
    )
    config = read(tmp_path, text)
    assert config.environments["local"].unset == ()
    assert config.environments["dev"].unset == ("NOWHERE",)
    assert config.environments["ci"].unset == ()


@pytest.mark.parametrize(
    ("written", "environ", "expected"),
    [
        ("$REGION:us-east1", {}, "us-east1"),
        ("$REGION:us-east1", {"REGION": "asia-east1"}, "asia-east1"),
        ("$REGION:us-east1", {"REGION": ""}, "us-east1"),
        ("${REGION}", {"REGION": "asia-east1"}, "asia-east1"),
        ("europe-${PLACE:west}1", {}, "europe-west1"),
        ("europe-$PLACE", {"PLACE": "north1"}, "europe-north1"),
    ],
)
def test_variables_expand(tmp_path: Path, written: str, environ: dict[str, str], expected: str) -> None:
    config = read(tmp_path, f'[env.dev]\nproject = "acme"\nregion = "{written}"\n', **environ)
    assert config.environments["dev"].region == expected


def test_two_dollars_are_one(tmp_path: Path) -> None:
    config = read(tmp_path, '[env.dev]\nproject = "acme"\nenv = { PRICE = "$$5" }\n')
    assert config.environments["dev"].services[0].env == {"PRICE": "$5"}


def test_deeper_tables_win_and_tables_merge(tmp_path: Path) -> None:
    text = """
[defaults]
project = "acme"
cpu = 2
env = { A = "1", B = "1" }
alerts = { cpu = 0.5 }
[env.prod]
env = { B = "2" }
store = "gs://bucket/{env}"
[env.prod.services.worker-eu]
region = "europe-west1"
instances = [2, 4]
env = { C = "3" }
"""
    prod = read(tmp_path, text).environments["prod"]
    main, europe = prod.services
    assert (main.key.name, main.key.region, main.env) == (
        "claudecluster-worker-prod",
        "us-central1",
        {"A": "1", "B": "2"},
    )
    assert (europe.key.name, europe.key.region) == ("worker-eu", "europe-west1")
    assert europe.env == {"A": "1", "B": "2", "C": "3"}
    assert (europe.min_instances, europe.max_instances, europe.cpu) == (2, 4, "2")
    assert europe.image.startswith("europe-west1-docker.pkg.dev/acme/")
    assert prod.regions == ("us-central1", "europe-west1")
    assert (prod.alerts.cpu, prod.alerts.memory) == (0.5, 0.9)
    assert prod.store == "gs://bucket/prod"


def test_a_service_table_of_the_main_services_name_changes_it(tmp_path: Path) -> None:
    text = '[env.dev]\nproject = "a"\nservice = "w"\n[env.dev.services.w]\ncpu = 2\n'
    (service,) = read(tmp_path, text).environments["dev"].services
    assert (service.key.name, service.cpu) == ("w", "2")


def test_local_takes_nothing_of_googles_from_the_defaults(tmp_path: Path) -> None:
    text = (
        '[defaults]\nproject = "acme"\nregion = "asia-east1"\nstore = "gs://b/x"\nprotected = true\n'
        'service_account = "a@b.iam.gserviceaccount.com"\nimpersonate = "c@b.iam.gserviceaccount.com"\n'
        "[env.local]\nlocal = true\n"
    )
    local = read(tmp_path, text).environments["local"]
    assert (local.project, local.region, local.is_protected) == ("local", "us-central1", False)
    assert local.store is not None
    assert local.store.startswith("file:")
    assert local.services[0].image == "worker"
    assert local.services[0].service_account is None
    assert local.impersonate is None


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = """\
[defaults]
projct = "x"
timeout = "61m"
env = { PORT = "8080", ANTHROPIC_API_KEY = "x" }

[env.dev]
cpu = 4
memory = "1Gi"
instances = [3, 1]

[env.dev.secrets]
ANTHROPIC_API_KEY = "sk-ant-api03-verysecret"

[env.Prod]
[envs]
"""
    told = mistakes(tmp_path, text)
    assert told == [
        "2: defaults.projct: unknown; did you mean project?",
        "3: defaults.timeout: '61m' is more than the 60 minutes that Cloud Run gives a request",
        "4: defaults.env.ANTHROPIC_API_KEY: a secret must not be a plain variable; name it under `secrets`",
        "4: defaults.env.PORT: Cloud Run sets this variable itself and refuses it from others; remove it",
        "8: env.dev.memory: 1Gi does not go with cpu = 4; Cloud Run takes 2Gi to 16Gi there",
        "9: env.dev.instances: the minimum 3 is more than the maximum 1",
        "12: env.dev.secrets.ANTHROPIC_API_KEY: this is a secret itself, treat it as leaked; expected a name",
        "14: env.Prod: 'Prod' is not up to 20 lower-case letters, digits and dashes, a letter first",
        "15: envs: unknown; did you mean env?",
    ]


def test_a_mistake_in_the_defaults_is_told_once(tmp_path: Path) -> None:
    text = '[defaults]\nproject = "a"\ncpu = 8\n[env.a]\n[env.b]\n[env.c]\n'
    assert mistakes(tmp_path, text) == [
        "3: defaults.cpu: 1Gi does not go with cpu = 8; Cloud Run takes 4Gi to 32Gi there"
    ]


def test_a_line_inside_a_multi_line_string_is_no_key(tmp_path: Path) -> None:
    text = '[env.dev]\nproject = "a"\nenv = { A = """\ncpu = 3\n""" }\ncpu = 3\n'
    (told,) = mistakes(tmp_path, text)
    assert told.startswith("6: env.dev.cpu: 3 is no CPU size")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[env.dev\n", r"deploy\.toml:1:9: .+"),
        ("[env.dev]\ncpu = = 1\n", r"deploy\.toml:2:7: .+"),
        ("[env.dev]\n[env.dev]\n", r"deploy\.toml:2:9: .+"),
    ],
)
def test_a_syntax_error_has_line_and_column(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert re.search(expected, caught.value.title), caught.value.title


def test_bytes_that_are_not_utf_8_have_a_line(tmp_path: Path) -> None:
    path = tmp_path / "deploy.toml"
    path.write_bytes(b"[env.dev]\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"deploy\.toml:2: not UTF-8"):
        load(path, {})


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "deploy.toml"
    path.write_bytes(b"\xef\xbb\xbf[env.local]\nlocal = true\n")
    assert list(load(path, {}).environments) == ["local"]


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Cannot read"):
        load(tmp_path / "nothing.toml", {})
    with pytest.raises(ConfigError, match="Cannot read"):
        load(None, {"CCCONSOLE_CONFIG": str(tmp_path / "nothing.toml")})


def test_an_empty_file_asks_for_an_environment(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, "")
    assert "expected at least one environment" in told


def test_the_nearest_file_upward_is_found_up_to_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repo" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "deploy.toml").write_text("")
    assert find(inner, {}) == tmp_path / "deploy.toml"
    (tmp_path / "repo" / ".git").mkdir()
    assert find(inner, {}) is None
    (tmp_path / "repo" / "deploy.toml").write_text("")
    assert find(inner, {}) == tmp_path / "repo" / "deploy.toml"


def test_the_search_ends_at_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    (tmp_path / "deploy.toml").write_text("")
    assert find(home / "work", {"HOME": str(home)}) is None


def test_targets(tmp_path: Path) -> None:
    config = read(tmp_path, '[env.dev]\nproject = "a"\nservice = "worker"\n')
    dev, none = config.resolve("dev")
    assert (dev.name, none) == ("dev", None)
    _, spec = config.resolve("dev/worker")
    assert spec is not None
    assert str(spec.key) == "dev/worker"


@pytest.mark.parametrize("target", ["", "/", "dev/", "/worker", "dev/worker/x"])
def test_what_is_no_target(tmp_path: Path, target: str) -> None:
    config = read(tmp_path, '[env.dev]\nproject = "a"\n')
    with pytest.raises(ConfigError, match="is no target"):
        config.resolve(target)


@pytest.mark.parametrize(("target", "meant"), [("dve", "dev"), ("dev/worke", "worker")])
def test_what_is_not_there_lists_what_is(tmp_path: Path, target: str, meant: str) -> None:
    config = read(tmp_path, '[env.dev]\nproject = "a"\nservice = "worker"\n')
    with pytest.raises(NotFound) as caught:
        config.resolve(target)
    assert meant in caught.value.detail
    assert caught.value.hint == f"Did you mean {meant}?"


def test_who_calls_private_services(tmp_path: Path) -> None:
    text = '[defaults]\nproject = "acme"\nimpersonate = "caller-{env}@acme.iam.gserviceaccount.com"\n'
    config = read(
        tmp_path, f"{text}[env.dev]\n[env.prod]\nimpersonate = 'other@acme.iam.gserviceaccount.com'"
    )
    assert config.environments["dev"].impersonate == "caller-dev@acme.iam.gserviceaccount.com"
    assert config.environments["prod"].impersonate == "other@acme.iam.gserviceaccount.com"
    (mistake,) = mistakes(tmp_path, "[env.dev]\nproject = 'acme'\nimpersonate = 'me'")
    assert mistake.startswith("3: env.dev.impersonate: 'me' is not a service account's e-mail address")


def test_prices_of_ones_own(tmp_path: Path) -> None:
    config = read(tmp_path, "[env.local]\nlocal = true\n[prices]\nrequest_cpu = 0.00002\nrequests = 0\n")
    assert config.prices == {"request_cpu": 0.00002, "requests": 0.0}
    text = "[env.local]\nlocal = true\n[prices]\nrequest_cpus = 1\nidle_cpu = -1\nidle_memory = 'free'\n"
    assert mistakes(tmp_path, text) == [
        "4: prices.request_cpus: unknown; did you mean request_cpu?",
        "5: prices.idle_cpu: expected a price in USD, for example 0.000018, found -1",
        "6: prices.idle_memory: expected a price in USD, for example 0.000018, found 'free'",
    ]
